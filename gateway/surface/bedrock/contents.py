"""Converse's turns into canonical messages, text untouched. Knows nothing of sampling, tools offered, or keys.

A user's turn may hold results of tools beside what the user says: they become messages of their own, in the same order.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from adapters import chat
from gateway.errors import InvalidRequest
from gateway.surface.bedrock import wire
from gateway.surface.openai.bodies import DEEPEST, nested_too_deep
from gateway.surface.openai.images import sniff
from gateway.surface.openai.tools import OpenCalls

MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
"""Converse's word for a document's format, and the media type."""

_UNREAD = {
    "video": "no family here reads video",
    "audio": "no family here reads audio",
    "search_result": "send its text as a text block",
}


def conversation(body: wire.ConverseBody) -> tuple[chat.Message, ...]:
    """The system's blocks and the turns, in order.

    Raises:
        InvalidRequest: A block that says nothing or cannot be read, a result that answers no call.
    """
    messages: list[chat.Message] = []
    if body.system:
        parts = [_system(block, f"system[{place}]") for place, block in enumerate(body.system)]
        messages.append(chat.Message("system", tuple(parts)))
    calls = OpenCalls("toolResult in the turn after it")
    for place, message in enumerate(body.messages):
        where = f"messages[{place}]"
        if message.role == "assistant":
            calls.close(where)
            turn = _assistant(message, where)
            calls.open(turn.tool_calls, f"{where}.content")
            messages.append(turn)
        else:
            messages += _user(message, where, calls)
            calls.close(where)
    calls.close("messages")
    return tuple(messages)


def advisory(body: wire.ConverseBody) -> set[str]:
    """Members that are accepted and change no answer here."""
    names = set()
    blocks: list[wire.Block | wire.SystemBlock] = [*body.system, *(block for turn in body.messages for block in turn.content)]
    if any(block.guard_content is not None for block in blocks):
        names.add("guardContent")
    if any(isinstance(block, wire.Block) and block.citations_content is not None for block in blocks):
        names.add("citations")
    return names


def cache_point(point: wire.CachePoint) -> chat.CachePoint:
    """The same, canonical."""
    return chat.CachePoint(point.ttl)


def refused_depth(value: Any, where: str) -> None:
    """Refuse JSON of the caller's that is nested deeper than anybody means.

    Raises:
        InvalidRequest: It is.
    """
    if nested_too_deep(value, DEEPEST):
        raise InvalidRequest(f"{where} is nested deeper than {DEEPEST} levels", parameter=where)


def _assistant(message: wire.Message, where: str) -> chat.Message:
    parts: list[chat.Part] = []
    calls: list[chat.ToolCall] = []
    for place, block in enumerate(message.content):
        here = f"{where}.content[{place}]"
        if block.tool_use is not None and wire.said(block) == "tool_use":
            calls.append(_call(block.tool_use, here))
        else:
            parts.append(_part(block, here, _ASSISTANT))
    return chat.Message("assistant", tuple(parts), tuple(calls))


def _user(message: wire.Message, where: str, calls: OpenCalls) -> Iterable[chat.Message]:
    """The turn in pieces: each tool's result, and each run of other blocks between them."""
    pieces: list[chat.Message] = []
    for place, block in enumerate(message.content):
        here = f"{where}.content[{place}]"
        if block.tool_result is not None and wire.said(block) == "tool_result":
            calls.answer(block.tool_result.tool_use_id, f"{here}.toolResult.toolUseId")
            pieces.append(_result(block.tool_result, here))
            continue
        part = _part(block, here, _USER)
        # A cache point belongs to what stands before it, be it a result: alone it would make a turn of nothing.
        if pieces and (pieces[-1].role == "user" or isinstance(part, chat.CachePoint)):
            pieces[-1] = msgspec.structs.replace(pieces[-1], parts=(*pieces[-1].parts, part))
        else:
            pieces.append(chat.Message("user", (part,)))
    return pieces


def _system(block: wire.SystemBlock, where: str) -> chat.Part:
    return _part(block, where, _SYSTEM)


def _part(block: wire.Block | wire.SystemBlock | wire.ToolResultBlock, where: str, readers: "Readers") -> chat.Part:
    member = wire.said(block)
    if member is None:
        raise InvalidRequest(f"{where} must have exactly one member, such as text", parameter=where)
    name = msgspec.structs.fields(block)[block.__struct_fields__.index(member)].encode_name
    if member in _UNREAD:
        raise InvalidRequest(f"{where}.{name} is not supported: {_UNREAD[member]}", parameter=where)
    if member not in readers:
        raise InvalidRequest(f"{where}.{name} has no place in this turn", parameter=where)
    return readers[member](getattr(block, member), f"{where}.{name}")


def _text(text: str, _: str) -> chat.Text:
    return chat.Text(text)


def _cache(point: wire.CachePoint, _: str) -> chat.CachePoint:
    return cache_point(point)


def _guarded(content: wire.GuardContent, where: str) -> chat.Part:
    """What a guardrail would be asked about: without one, it is what it holds."""
    if content.text is not None:
        return chat.Text(content.text.text)
    if content.image is not None:
        return _image(content.image, f"{where}.image")
    raise InvalidRequest(f"{where} must have a text or an image", parameter=where)


def _cited(content: wire.CitationsContent, _: str) -> chat.Text:
    return chat.Text("".join(piece.text for piece in content.content))


def _reasoning(content: wire.ReasoningContent, where: str) -> chat.Reasoning:
    thought = content.reasoning_text
    if thought is not None:
        return chat.Reasoning(thought.text, thought.signature)
    if content.redacted_content is None:
        raise InvalidRequest(f"{where} must have reasoningText or redactedContent", parameter=where)
    blob = _bytes(content.redacted_content, f"{where}.redactedContent")
    return chat.Reasoning(redacted=blob.decode("utf-8", "replace"))


def _image(image: wire.Image, where: str) -> chat.Image:
    data = _inline(image.source, f"{where}.source")
    found = sniff(_bytes(data, f"{where}.source.bytes"))
    if found != f"image/{image.format}":
        shown = found or "no PNG, JPEG, GIF or WebP"
        raise InvalidRequest(f"{where}.format is {image.format}, but the bytes are {shown}", parameter=f"{where}.format")
    return chat.Image(found, data)


def _document(document: wire.Document, where: str) -> chat.Document:
    source = document.source
    for name, value in (("context", document.context), ("source.content", source.content)):
        if value is not None:
            raise InvalidRequest(f"{where}.{name} is not supported: send the document as bytes or text", parameter=where)
    if document.citations is not None and document.citations.enabled:
        raise InvalidRequest(f"{where}.citations is not supported: no family here cites", parameter=where)
    if source.text is not None:
        return chat.Document("text/plain", source.text, document.name)
    data = _inline(source, f"{where}.source")
    content = _bytes(data, f"{where}.source.bytes")
    kind = MEDIA_TYPES[document.format or "txt"]
    if kind != "text/plain":
        return chat.Document(kind, data, document.name)
    try:
        return chat.Document(kind, content.decode(), document.name)
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{where} is no text in UTF-8: say its format", parameter=f"{where}.format") from error


def _inline(source: wire.Source, where: str) -> str:
    if source.s3_location is not None:
        raise InvalidRequest(f"{where}.s3Location is not supported: Quarry fetches nothing, send the bytes", parameter=where)
    if source.bytes is None:
        raise InvalidRequest(f"{where} must have bytes", parameter=where)
    return source.bytes


def _bytes(data: str, where: str) -> bytes:
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except ValueError as error:  # binascii.Error is one; so is what a character outside ASCII raises
        raise InvalidRequest(f"{where} is not valid base64: {error}", parameter=where) from error


def _call(use: wire.ToolUse, where: str) -> chat.ToolCall:
    if not isinstance(use.input, dict):
        raise InvalidRequest(f"{where}.toolUse.input must be an object", parameter=f"{where}.toolUse.input")
    refused_depth(use.input, f"{where}.toolUse.input")
    return chat.ToolCall(use.tool_use_id, use.name, msgspec.json.encode(use.input).decode())


def _result(result: wire.ToolResult, where: str) -> chat.Message:
    parts = [_result_part(block, f"{where}.toolResult.content[{place}]") for place, block in enumerate(result.content)]
    return chat.Message("tool", tuple(parts), tool_call_id=result.tool_use_id, is_error=result.status == "error")


def _result_part(block: wire.ToolResultBlock, where: str) -> chat.Part:
    if block.json is not None and wire.said(block) == "json":
        refused_depth(block.json, f"{where}.json")
        return chat.Text(msgspec.json.encode(block.json).decode())
    return _part(block, where, _RESULT)


Readers = Mapping[str, Callable[[Any, str], chat.Part]]
"""By member: how it is read. What is absent has no place there."""

_SYSTEM: Readers = {"text": _text, "guard_content": _guarded, "cache_point": _cache}
_RESULT: Readers = {"text": _text, "image": _image, "document": _document}
_USER: Readers = {**_SYSTEM, **_RESULT}
_ASSISTANT: Readers = {"text": _text, "reasoning_content": _reasoning, "citations_content": _cited, "cache_point": _cache}


def redacted(data: str) -> str:
    """A thought that only the upstream can read, as the blob that ``_reasoning`` reads back."""
    return base64.b64encode(data.encode()).decode()
