"""Anthropic's turns into canonical messages, text untouched. Knows nothing of sampling, tools offered, or keys.

A user's turn may hold results of tools beside what the user says: they become messages of their own, in the same order.
"""

import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from adapters import chat
from gateway.errors import InvalidRequest
from gateway.surface.anthropic.wire import requests as wire
from gateway.surface.openai.fields import Unsupported, refuse_unsupported
from gateway.surface.openai.images import labelled_image
from gateway.surface.openai.tools import OpenCalls

_PDF = "application/pdf"
_TEXT = "text/plain"
_NOTHING_FETCHED: Mapping[type, str] = {
    wire.UrlSource: "Quarry fetches nothing, send the content itself",
    wire.FileSource: "Quarry stores no files, send the content itself",
}
_OF_DOCUMENTS: Unsupported = {"context": (("",), "say it in a text block beside the document")}
_OF_CALLS: Unsupported = {"toolset_name": ((), "toolsets are Anthropic's own")}


def conversation(asked: wire.CountBody) -> tuple[chat.Message, ...]:
    """The system's text and the turns, in order.

    Raises:
        InvalidRequest: A block that cannot be read, a result that answers no call.
    """
    messages: list[chat.Message] = []
    if asked.system:
        messages.append(chat.Message("system", _texts(asked.system)))
    calls = OpenCalls("tool_result in the turn after it")
    for place, message in enumerate(asked.messages):
        where = f"messages[{place}]"
        if isinstance(message, wire.UserMessageParam):
            messages += _user(message.content, f"{where}.content", calls)
            calls.close(where)
            continue
        calls.close(where)
        if isinstance(message, wire.AssistantMessageParam):
            messages.append(_assistant(message.content, f"{where}.content"))
            calls.open(messages[-1].tool_calls, f"{where}.content")
        else:
            messages.append(chat.Message("system", _texts(message.content)))
    calls.close("messages")
    if asked.cache_control is not None:
        messages[-1] = replace(messages[-1], parts=(*messages[-1].parts, *cache_point(asked)))
    return tuple(messages)


def advisory(asked: wire.CountBody) -> set[str]:
    """Fields of messages that change no answer here and are to be reported back."""
    names: set[str] = set()
    for block in _blocks(asked):
        if isinstance(block, wire.TextBlockParam) and block.citations:
            names.add("citations")
        elif isinstance(block, wire.ImageBlockParam) and block.transformations:
            names.add("transformations")
    return names


def inputs(asked: wire.CountBody) -> Iterator[tuple[str, int, object]]:
    """The inputs of earlier calls, as ``bodies.refuse_depth`` wants them."""
    for place, message in enumerate(asked.messages):
        if isinstance(message, wire.AssistantMessageParam) and not isinstance(message.content, str):
            for number, block in enumerate(message.content):
                if isinstance(block, wire.ToolUseBlockParam):
                    yield f"messages[{place}].content[{number}].input", 5, block.input


def cache_point(holder: Any) -> tuple[chat.CachePoint, ...]:
    """The cache point after what may have one."""
    control: wire.CacheControl | None = holder.cache_control
    return () if control is None else (chat.CachePoint(control.ttl),)


def _blocks(asked: wire.CountBody) -> Iterator[Any]:
    for content in (asked.system, *(message.content for message in asked.messages)):
        if content is not None and not isinstance(content, str):
            for block in content:
                yield block
                if isinstance(block, wire.ToolResultBlockParam) and isinstance(block.content, tuple):
                    yield from block.content


def _texts(content: str | Sequence[wire.TextBlockParam]) -> tuple[chat.Part, ...]:
    if isinstance(content, str):
        return (chat.Text(content),)
    parts: list[chat.Part] = []
    for block in content:
        parts += (chat.Text(block.text), *cache_point(block))
    return tuple(parts)


def _user(content: str | Sequence[wire.UserBlock], where: str, calls: OpenCalls) -> list[chat.Message]:
    """The turn in pieces: each tool's result, and each run of other blocks between them."""
    if isinstance(content, str):
        return [chat.Message("user", (chat.Text(content),))]
    pieces: list[chat.Message] = []
    for place, block in enumerate(content):
        here = f"{where}[{place}]"
        if isinstance(block, wire.ToolResultBlockParam):
            calls.answer(block.tool_use_id, f"{here}.tool_use_id")
            pieces.append(_result(block, here))
            continue
        parts = (_READERS[type(block)](block, here), *cache_point(block))
        if pieces and pieces[-1].role == "user":
            pieces[-1] = replace(pieces[-1], parts=(*pieces[-1].parts, *parts))
        else:
            pieces.append(chat.Message("user", parts))
    return pieces


def _assistant(content: str | Sequence[wire.AssistantBlock], where: str) -> chat.Message:
    """A cache point after a call stands before all the turn's calls: it changes no answer, and is a little short."""
    if isinstance(content, str):
        return chat.Message("assistant", (chat.Text(content),))
    parts: list[chat.Part] = []
    calls: list[chat.ToolCall] = []
    for place, block in enumerate(content):
        match block:
            case wire.ToolUseBlockParam():
                refuse_unsupported(block, _OF_CALLS, inside=f"{where}[{place}].")
                calls.append(chat.ToolCall(block.id, block.name, msgspec.json.encode(block.input).decode()))
                parts += cache_point(block)
            case wire.TextBlockParam():
                parts += (chat.Text(block.text), *cache_point(block))
            case wire.ThinkingBlockParam():
                parts.append(chat.Reasoning(block.thinking, block.signature or None))
            case wire.RedactedThinkingBlockParam():
                parts.append(chat.Reasoning(redacted=block.data))
    return chat.Message("assistant", tuple(parts), tuple(calls))


def _result(block: wire.ToolResultBlockParam, where: str) -> chat.Message:
    refuse_unsupported(block, _OF_CALLS, inside=f"{where}.")
    parts: list[chat.Part] = []
    if isinstance(block.content, str):
        parts.append(chat.Text(block.content))
    else:
        for place, inner in enumerate(block.content or ()):
            parts += (_READERS[type(inner)](inner, f"{where}.content[{place}]"), *cache_point(inner))
    parts += cache_point(block)
    return chat.Message("tool", tuple(parts), tool_call_id=block.tool_use_id, is_error=block.is_error or False)


def _text(block: wire.TextBlockParam, _: str) -> chat.Text:
    return chat.Text(block.text)


def _image(block: wire.ImageBlockParam, where: str) -> chat.Image:
    source = block.source
    if not isinstance(source, wire.Base64Source):
        raise _not_fetched(source, where)
    return labelled_image(source.media_type, source.data, parameter=f"{where}.source.data")


def _document(block: wire.DocumentBlockParam, where: str) -> chat.Document:
    refuse_unsupported(block, _OF_DOCUMENTS, inside=f"{where}.")
    if block.citations is not None and block.citations.enabled:
        raise InvalidRequest(f"{where}.citations is not supported: no family here cites", parameter=f"{where}.citations")
    source = block.source
    match source:
        case wire.PlainSource():
            return chat.Document(_TEXT, source.data, block.title)
        case wire.ContentSource():
            text = source.content if isinstance(source.content, str) else "\n".join(piece.text for piece in source.content)
            return chat.Document(_TEXT, text, block.title)
        case wire.Base64Source():
            return chat.Document(_PDF, _pdf(source, f"{where}.source"), block.title)
    raise _not_fetched(source, where)


def _pdf(source: wire.Base64Source, where: str) -> str:
    if source.media_type != _PDF:
        raise InvalidRequest(
            f"{where}.media_type must be {_PDF}: send text as a source of type text", parameter=f"{where}.media_type"
        )
    try:
        binascii.a2b_base64(source.data, strict_mode=True)
    except ValueError as error:  # binascii.Error is one; so is what a character outside ASCII raises
        raise InvalidRequest(f"{where}.data is not valid base64: {error}", parameter=f"{where}.data") from error
    return source.data


def _not_fetched(source: wire.UrlSource | wire.FileSource, where: str) -> InvalidRequest:
    kind = type(source).__struct_config__.tag
    return InvalidRequest(
        f'{where}.source of type "{kind}" is not supported: {_NOTHING_FETCHED[type(source)]}', parameter=f"{where}.source"
    )


_READERS: Mapping[type, Callable[[Any, str], chat.Part]] = {
    wire.TextBlockParam: _text,
    wire.ImageBlockParam: _image,
    wire.DocumentBlockParam: _document,
}
