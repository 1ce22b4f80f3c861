"""What callers of messages may well send because Anthropic takes it, and what to tell them. It decides nothing."""

import re

from gateway.surface.anthropic.wire.requests import CountBody, MessageBody
from gateway.surface.openai.complaints import Hints, quoted

_PLACES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"messages\[\d+\]\.role"), "roles are user, assistant and system, not {value}"),
    (
        re.compile(r"messages\[\d+\]\.content\[\d+\](\.content\[\d+\])?\.type"),
        (
            "a block of type {value} has no place in this turn: a user's has text, image, document and tool_result, a result "
            "text, image and document, an assistant's text, tool_use, thinking and redacted_thinking"
        ),
    ),
    (re.compile(r"tools\[\d+\]\.type"), "tools of type {value} are not supported: only the caller's own tools are"),
    (re.compile(r"tool_choice\.type"), "tool_choice is of type auto, any, tool or none, not {value}"),
    (re.compile(r"thinking\.type"), "thinking is of type enabled, disabled or adaptive, not {value}"),
)
_SEARCH = "search results are not supported: send their text as text blocks"


def _known(path: str, value: str) -> str | None:
    if value == "search_result" and path.endswith(".type"):
        return _SEARCH
    return next((says.format(value=quoted(value)) for place, says in _PLACES if place.fullmatch(path)), None)


MESSAGE = Hints(MessageBody.__struct_fields__, _known)
COUNT = Hints(CountBody.__struct_fields__, _known)
