"""What callers of responses may well send because OpenAI takes it, and what to tell them. It decides nothing."""

import re

from gateway.surface.openai.complaints import Hints, quoted
from gateway.surface.openai.wire.responses.request import ResponseBody

_PLACES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"tools\[\d+\]\.type"), "tools of type {value} are not supported: functions are the only kind"),
    (re.compile(r"tool_choice\.type"), "tool_choice of type {value} is not supported: name a function, or send fewer tools"),
    (
        re.compile(r"input\[\d+\]\.type"),
        "items of type {value} are not supported: input is made of message, function_call, function_call_output and reasoning",
    ),
    (
        re.compile(r"input\[\d+\]\.(content|output)\[\d+\]\.type"),
        "parts of type {value} are not supported: there are input_text, input_image, input_file, output_text and refusal",
    ),
    (
        re.compile(r"text\.format\.type"),
        "text.format of type {value} is not supported: there are text, json_object and json_schema",
    ),
)
_VALUES = {"item_reference": "Quarry stores no responses, so an item cannot be named by its id: send the item itself"}


def _known(path: str, value: str) -> str | None:
    if value in _VALUES:
        return _VALUES[value]
    return next((says.format(value=quoted(value)) for place, says in _PLACES if place.fullmatch(path)), None)


HINTS = Hints(ResponseBody.__struct_fields__, _known)
