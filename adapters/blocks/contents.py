"""The content blocks of one message: text, images, documents, thoughts, calls and their answers. Knows no turns."""

import base64
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2s
from typing import Any

from adapters import arguments
from adapters.chat import CachePoint, Document, Image, Message, Part, Reasoning, Text, ToolCall
from adapters.errors import UnsupportedContent

_FORMATS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_FOREIGN_IN_NAME = re.compile(r"[^A-Za-z0-9()\[\]-]+")
_NAME_CHARACTERS = 180  # of 200, so that a number fits behind it
_FOREIGN_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_ID_CHARACTERS = 64


class Contents:
    """Makes the blocks of a request's messages, which have to be asked for in their order.

    Args:
        calls_as_text: Tell calls and their answers as text. Bedrock refuses their blocks in a request that offers no
            tools ("The toolConfig field must be defined when using toolUse and toolResult content blocks"), and tools
            that are offered may be called.
    """

    def __init__(self, messages: Sequence[Message], *, calls_as_text: bool) -> None:
        self._calls_as_text = calls_as_text
        self._names = _document_names(messages)

    def blocks(self, message: Message, place: str) -> list[dict[str, Any]]:
        """The blocks of one message; empty when it says nothing.

        Args:
            place: Where the message stands in the request, as the caller spells it.

        Raises:
            UnsupportedContent: Something that has no block, named by its place.
        """
        if message.role == "tool":
            return self._tool_result(message, place)
        blocks = list(self._parts(message, place))
        for position, call in enumerate(message.tool_calls):
            blocks.append(self._tool_use(call, f"{place}.tool_calls[{position}].function.arguments"))
        return blocks

    def _parts(self, message: Message, place: str) -> Iterator[dict[str, Any]]:
        for position, part in enumerate(message.parts):
            if isinstance(part, Document):
                yield self._document(part, f"{place}.content[{position}]")
            elif (block := _part(part)) is not None:
                yield block

    def _document(self, document: Document, place: str) -> dict[str, Any]:
        form = _FORMATS.get(document.media_type)
        if form is None:
            raise UnsupportedContent(
                f'{place} is a document of type "{document.media_type}", and Bedrock reads {", ".join(_FORMATS)}', parameter=place
            )
        data = document.data
        if document.media_type == "text/plain":
            data = base64.b64encode(data.encode()).decode()
        return {"document": {"format": form, "name": next(self._names), "source": {"bytes": data}}}

    def _tool_use(self, call: ToolCall, place: str) -> dict[str, Any]:
        called = arguments.as_object(call.arguments, place)
        if self._calls_as_text:
            return {"text": f"[Called {call.name}, {call.id}: {bytes(called).decode()}]"}
        return {"toolUse": {"toolUseId": _id(call.id), "name": call.name, "input": called}}

    def _tool_result(self, message: Message, place: str) -> list[dict[str, Any]]:
        call_id = message.tool_call_id
        if call_id is None:
            raise UnsupportedContent(f"{place} does not say which call it answers", parameter=f"{place}.tool_call_id")
        parts = list(self._parts(message, place))
        content = [block for block in parts if "cachePoint" not in block]
        points = [block for block in parts if "cachePoint" in block]  # there is no place for them inside a tool's answer
        if self._calls_as_text:
            outcome = "failed" if message.is_error else "answered"
            return [{"text": f"[{call_id} {outcome}:"}, *content, {"text": "]"}, *points]
        result: dict[str, Any] = {"toolUseId": _id(call_id), "content": content}
        if message.is_error:
            # "The content field … cannot be empty when status value is error."
            result |= {"content": content or [{"text": "error"}], "status": "error"}
        return [{"toolResult": result}, *points]


def cache_point(point: CachePoint) -> dict[str, Any]:
    """The block that ends a cached stretch."""
    return {"cachePoint": {"type": "default"} if point.ttl is None else {"type": "default", "ttl": point.ttl}}


def _part(part: Part) -> dict[str, Any] | None:
    match part:
        case Text():
            return {"text": part.text} if part.text.strip() else None
        case Image():
            return {"image": {"format": part.media_type.removeprefix("image/"), "source": {"bytes": part.data}}}
        case Reasoning():
            return _reasoning(part)
        case CachePoint():
            return cache_point(part)
    return None


def _reasoning(thought: Reasoning) -> dict[str, Any]:
    """A thought of the model's own, with its seal: those without have been dropped, and named."""
    if thought.redacted is not None:
        return {"reasoningContent": {"redactedContent": thought.redacted}}
    return {"reasoningContent": {"reasoningText": {"text": thought.text, "signature": thought.signature}}}


def _document_names(messages: Sequence[Message]) -> Iterator[str]:
    """A name for each document in turn: its title in Bedrock's alphabet, and no name twice, which Bedrock refuses."""
    taken: set[str] = set()
    for message in messages:
        for part in message.parts:
            if isinstance(part, Document):
                name = _FOREIGN_IN_NAME.sub(" ", part.title or "").strip()[:_NAME_CHARACTERS].strip() or "document"
                unique, number = name, 2
                while unique.lower() in taken:
                    unique, number = f"{name} ({number})", number + 1
                taken.add(unique.lower())
                yield unique


def _id(call_id: str) -> str:
    """An id that Bedrock takes: others' hold dots and colons, or go on for ever. A call and its answer are changed alike."""
    known = _FOREIGN_IN_ID.sub("_", call_id)
    if 0 < len(known) <= _ID_CHARACTERS:
        return known
    return f"call_{blake2s(call_id.encode(), digest_size=16).hexdigest()}"
