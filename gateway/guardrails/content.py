"""Which content of a request a guardrail is shown, and how to put back what it masked. Asks nobody."""

import re
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from adapters.chat import ChatRequest, Document, Image, Message, Part, Text
from gateway.errors import InvalidRequest

CHECKED_ROLES = frozenset({"user", "tool"})
"""Whose content is checked on its way in. What the application itself says is its own, and answers were checked when given."""

IMAGE_FORMATS = {"image/png": "png", "image/jpeg": "jpeg"}
"""Source: botocore's service model of bedrock-runtime, shape GuardrailImageFormat."""

MOST_CHARACTERS = 25_000
"""In one call: 25 text units, the usual quota of a second. What is longer goes in several calls."""

# Western marks need a space behind them, as a point may stand inside a number; the full-width ones of Chinese and Japanese not.
_SENTENCE_END = re.compile("[.!?\u2026]['\")\\]]*\\s+|[\u3002\uff01\uff1f]|\n+")
_LAST_SPACE = re.compile(r"\s\S*\Z")


def texts(request: ChatRequest) -> list[str]:
    """The texts to check, in order."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    _mapped(request, note)
    return found


def rewritten(request: ChatRequest, masked: Sequence[str]) -> ChatRequest:
    """The same request with other ``texts``."""
    told = iter(masked)
    return _mapped(request, lambda _: next(told))


def images(request: ChatRequest) -> list[Image]:
    """The images to check.

    Raises:
        InvalidRequest: Something that no guardrail can look at.
    """
    return [part for message in _checked(request) for part in message.parts if isinstance(part, Image)]


def refuse_unseen(request: ChatRequest) -> None:
    """Let nothing pass that the guardrail cannot look at.

    Raises:
        InvalidRequest: It names what to leave out.
    """
    if request.sampling.logprobs:
        raise InvalidRequest(
            "The tokens of this model pass its guardrail as text alone: leave logprobs out", parameter="logprobs"
        )
    for message in _checked(request):
        for part in message.parts:
            if isinstance(part, Image) and part.media_type not in IMAGE_FORMATS:
                raise InvalidRequest(
                    f"The guardrail of this model reads no {part.media_type}: send {' or '.join(IMAGE_FORMATS)}",
                    parameter="messages",
                )
            if isinstance(part, Document) and part.media_type != "text/plain":
                raise InvalidRequest(
                    f"The guardrail of this model reads no {part.media_type}: send its text", parameter="messages"
                )


def batches(pieces: Sequence[str], most: int = MOST_CHARACTERS) -> Iterator[list[str]]:
    """Pieces, none longer than ``most``, in as few calls as hold them in their order."""
    batch: list[str] = []
    size = 0
    for piece in pieces:
        if batch and size + len(piece) > most:
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += len(piece)
    if batch:
        yield batch


def sliced(text: str, most: int = MOST_CHARACTERS) -> list[str]:
    """A text in pieces of at most ``most`` characters, which end where a sentence does if that can be."""
    slices = []
    while len(text) > most:
        end = boundary(text[:most])
        slices.append(text[:end])
        text = text[end:]
    return [*slices, text]


def boundary(text: str) -> int:
    """Where to cut: behind the last sentence if that leaves at least half, else behind the last word, else at the end."""
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    if ends and 2 * ends[-1] >= len(text):
        return ends[-1]
    space = _LAST_SPACE.search(text)
    return space.start() + 1 if space is not None and 2 * space.start() >= len(text) else len(text)


def _checked(request: ChatRequest) -> Iterator[Message]:
    return (message for message in request.messages if message.role in CHECKED_ROLES)


def _mapped(request: ChatRequest, say: Callable[[str], str]) -> ChatRequest:
    if request.prompt is not None:
        return replace(request, prompt=say(request.prompt))
    variables = request.variables and {name: say(text) for name, text in request.variables.items()}
    return replace(request, messages=tuple(_said(message, say) for message in request.messages), variables=variables)


def _said(message: Message, say: Callable[[str], str]) -> Message:
    if message.role not in CHECKED_ROLES:
        return message
    return replace(message, parts=tuple(_part(part, say) for part in message.parts))


def _part(part: Part, say: Callable[[str], str]) -> Part:
    if isinstance(part, Text):
        return replace(part, text=say(part.text))
    if isinstance(part, Document) and part.media_type == "text/plain":
        return replace(part, data=say(part.data))
    return part
