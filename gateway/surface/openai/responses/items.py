"""The items of a response's input into canonical messages. Knows nothing of sampling, tools offered, or replies.

An assistant's turn lies in pieces here: thoughts, what it said, and each call are items of their own, and make one message.
"""

from collections.abc import Callable

from adapters import chat
from gateway.errors import InvalidRequest
from gateway.surface.openai.breakpoints import cache_point, is_shortened
from gateway.surface.openai.documents import document_from
from gateway.surface.openai.images import image_from
from gateway.surface.openai.responses.thoughts import unpacked
from gateway.surface.openai.tools import OpenCalls, earlier_call
from gateway.surface.openai.wire import RefusalPart
from gateway.surface.openai.wire.responses import items as wire


def conversation(items: tuple[wire.Item, ...]) -> tuple[chat.Message, ...]:
    """Read the items in order.

    Raises:
        InvalidRequest: A part that the role cannot say, contents we cannot read, a result that answers no call.
    """
    turns = Turns()
    for place, item in enumerate(items):
        _READERS[type(item)](turns, item, f"input[{place}]")
    return turns.end(f"input[{len(items)}]")


def advisory(items: tuple[wire.Item, ...]) -> set[str]:
    """Fields of items that change no answer here and are to be reported back."""
    names: set[str] = set()
    for item in items:
        match item:
            case wire.MessageItem(content=tuple() as parts) | wire.FunctionCallOutputItem(output=tuple() as parts):
                for part in parts:
                    names |= _advisory_of_part(part)
            case wire.ReasoningItem() if not _thought(item, ""):
                names.add("reasoning")
    return names


def _advisory_of_part(part: wire.Part) -> set[str]:
    names = set()
    if isinstance(part, wire.OutputText | RefusalPart):
        return {"annotations"} if isinstance(part, wire.OutputText) and part.annotations else set()
    if is_shortened(part):
        names.add("prompt_cache_breakpoint.ttl")
    if isinstance(part, wire.InputImage) and part.detail not in {None, "auto"}:
        names.add("input_image.detail")
    if isinstance(part, wire.InputFile) and part.detail not in {None, "auto"}:
        names.add("input_file.detail")
    return names


class Turns:
    """A conversation in the making: whole messages, and the assistant's turn that is still being gathered."""

    def __init__(self) -> None:
        self._messages: list[chat.Message] = []
        self._parts: list[chat.Part] = []
        self._calls: list[chat.ToolCall] = []
        self._last = ""  # where the assistant's turn had its last piece
        self._open = OpenCalls("function_call_output")

    def think(self, thought: chat.Reasoning | None, where: str) -> None:
        """The assistant thinks."""
        self._go_on(where)
        if thought is not None:
            self._parts.append(thought)

    def say(self, parts: list[chat.Part], where: str) -> None:
        """The assistant speaks. What it says after it has spoken already is a message of its own, unless calls wait."""
        if not self._calls and any(isinstance(part, chat.Text) for part in self._parts):
            self._flush()
        self._go_on(where)
        self._parts += parts

    def call(self, call: chat.ToolCall, where: str) -> None:
        """The assistant calls a function."""
        self._go_on(where)
        self._calls.append(call)

    def result(self, message: chat.Message, where: str) -> None:
        """A function answers."""
        self._flush()
        self._open.answer(message.tool_call_id, f"{where}.call_id")
        self._messages.append(message)

    def tell(self, message: chat.Message, where: str) -> None:
        """The user, or the developer, speaks."""
        self._flush()
        self._open.close(where)
        self._messages.append(message)

    def end(self, where: str) -> tuple[chat.Message, ...]:
        """Every message, once the last item has been read."""
        self._flush()
        self._open.close(where)
        return tuple(self._messages)

    def _go_on(self, where: str) -> None:
        if not self._parts and not self._calls:
            self._open.close(where)
        self._last = where

    def _flush(self) -> None:
        if self._parts or self._calls:
            self._messages.append(chat.Message("assistant", tuple(self._parts), tuple(self._calls)))
            self._open.open(self._calls, self._last)
            self._parts, self._calls = [], []


def _message(turns: Turns, item: wire.MessageItem, where: str) -> None:
    if item.role == "assistant":
        turns.say(_assistant_parts(item.content, f"{where}.content"), where)
        return
    role: chat.Role = "user" if item.role == "user" else "system"
    parts = _parts(item.content, f"{where}.content")
    if role == "system" and any(not isinstance(part, chat.Text | chat.CachePoint) for part in parts):
        raise InvalidRequest(f"{where}.content: instructions are text", parameter=f"{where}.content")
    turns.tell(chat.Message(role, parts), where)


def _call(turns: Turns, item: wire.FunctionCallItem, where: str) -> None:
    for name, value in (("namespace", item.namespace), ("async", item.async_)):
        if value:
            place = f"{where}.{name}"
            raise InvalidRequest(f"{place} is not supported: functions are called by their name alone", parameter=place)
    turns.call(earlier_call(item.call_id, item.name, item.arguments, where=f"{where}.arguments"), where)


def _result(turns: Turns, item: wire.FunctionCallOutputItem, where: str) -> None:
    turns.result(chat.Message("tool", _parts(item.output, f"{where}.output"), tool_call_id=item.call_id), where)


def _reasoning(turns: Turns, item: wire.ReasoningItem, where: str) -> None:
    turns.think(_thought(item, f"{where}.encrypted_content"), where)


_READERS: dict[type, Callable[..., None]] = {
    wire.MessageItem: _message,
    wire.FunctionCallItem: _call,
    wire.FunctionCallOutputItem: _result,
    wire.ReasoningItem: _reasoning,
}


def _thought(item: wire.ReasoningItem, where: str) -> chat.Reasoning | None:
    """What the assistant thought; ``None`` where the item says nothing of it."""
    if item.encrypted_content:
        return unpacked(item.encrypted_content, where)
    shown = item.content or item.summary
    text = "".join([part.text for part in shown])
    return chat.Reasoning(text) if text else None


def _assistant_parts(content: str | tuple[wire.Part, ...], where: str) -> list[chat.Part]:
    if isinstance(content, str):
        return [chat.Text(content)]
    return [_said(part, f"{where}[{number}]") for number, part in enumerate(content)]


def _said(part: wire.Part, where: str) -> chat.Text:
    """An assistant that refused has said its refusal: that is the text of its turn."""
    match part:
        case wire.OutputText(text=text) | wire.InputText(text=text) | RefusalPart(refusal=text):
            return chat.Text(text)
        case _:
            raise InvalidRequest(f"{where} is no text, and an assistant says nothing else", parameter=where)


def _parts(content: str | tuple[wire.Part, ...], where: str) -> tuple[chat.Part, ...]:
    if isinstance(content, str):
        return (chat.Text(content),)
    parts: list[chat.Part] = []
    for number, part in enumerate(content):
        parts.append(_part(part, f"{where}[{number}]"))
        if isinstance(part, wire.Given):
            parts += cache_point(part)
    return tuple(parts)


def _part(part: wire.Part, where: str) -> chat.Part:
    match part:
        case wire.InputText():
            return chat.Text(part.text)
        case wire.InputImage(image_url=str() as url, file_id=None):
            return image_from(url, parameter=f"{where}.image_url")
        case wire.InputFile(file_data=str() as data, file_id=None, file_url=None):
            return document_from(data, title=part.filename, parameter=f"{where}.file_data")
        case wire.InputImage():
            raise InvalidRequest(f"{where} needs image_url: Quarry stores no files", parameter=where)
        case wire.InputFile():
            raise InvalidRequest(f"{where} needs file_data: Quarry stores no files and fetches none", parameter=where)
        case _:
            raise InvalidRequest(f"{where} is what an assistant says: send input_text", parameter=where)
