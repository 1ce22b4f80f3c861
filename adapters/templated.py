"""Models that go on from a prompt, made ones that hold a conversation, by a chat template. Knows no native body.

What the native body has no place for is written into the prompt and read out of the text: tools and their calls, an
answer to a schema (by a tool that the caller never sees), thoughts. Replies are read by their shape.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from adapters.calls import called, calling, offers
from adapters.chat import ChatRequest
from adapters.deltas import Delta, Usage
from adapters.family import Family, Reader, Rule
from adapters.pieces import PieceReader
from adapters.prompts.templates import Template, begun, prompt
from adapters.shapes import WORDS, parse
from adapters.stopping import stopped, stopping
from adapters.structured import hide, revealed, revealing
from adapters.thinking import thinking, thought

_CALLS = ("tools", "tool_choice", "parallel_tool_calls")
_SCHEMA = "response_format"


class Bare(NamedTuple):
    """A native body with one prompt in it. The attributes are those of ``Family``, before any template.

    Attributes:
        encode: Of a request and the prompt that is written from it; whether it shall be streamed.
    """

    name: str
    accepts: Mapping[str, Rule]
    max_tokens: int
    encode: Callable[[ChatRequest, str, bool], bytes]
    emulates: frozenset[str] = frozenset()


def templated(bare: Bare, template: Template) -> Family:
    """The family whose prompts are written by this template, where nobody has written them already.

    Its ``encode`` raises ``UnsupportedContent`` for a tool's result or a call in a template that has no place for one, and
    ``UnsupportedParameter`` where ``tool_choice`` demands a call of a prompt that was written without its beginning.
    """
    calls = template.begun is not None
    hides = calls and _SCHEMA not in bare.accepts
    emulated = (*(_CALLS if calls else ()), *((_SCHEMA,) if hides else ()))

    def seen(request: ChatRequest) -> ChatRequest:
        """The request as the model sees it."""
        return hide(request) if hides and request.response_format is not None else request

    def presented(request: ChatRequest) -> tuple[ChatRequest, str]:
        asked = seen(request)
        return asked, begun(asked, template) if calls and offers(asked) else ""

    def encode(request: ChatRequest, stream: bool) -> bytes:
        asked = seen(request)
        return bare.encode(asked, prompt(asked, template), stream)

    def decode(body: bytes, request: ChatRequest, counts: Usage | None) -> list[Delta]:
        deltas = thought(PieceReader(parse, WORDS).whole(parse(body), counts), request)
        asked = seen(request)
        if calls and offers(asked):
            deltas = called(deltas, asked, begun(asked, template))
        deltas = revealed(deltas, request) if hides else deltas
        return stopped(deltas, request.sampling.stop)

    def reader(request: ChatRequest) -> Reader:
        read = thinking(PieceReader(parse, WORDS), request)
        asked = seen(request)
        if calls and offers(asked):
            read = calling(read, asked, begun(asked, template))
        read = revealing(read, request) if hides else read
        return stopping(read, request.sampling.stop)

    return Family(
        name=bare.name,
        accepts={
            **{name: rule for name, rule in bare.accepts.items() if name != "images" or template.images},
            **dict.fromkeys(emulated),
        },
        max_tokens=bare.max_tokens,
        encode=encode,
        decode=decode,
        reader=reader,
        emulates=bare.emulates | frozenset(emulated),
        presented=presented,
    )
