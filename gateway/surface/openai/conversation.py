"""OpenAI's messages into canonical ones, text untouched byte for byte. Knows nothing of sampling, tools offered, or keys."""

from collections.abc import Callable, Iterator

from adapters import chat
from gateway.errors import InvalidRequest
from gateway.surface.openai import wire
from gateway.surface.openai.breakpoints import cache_point, is_shortened
from gateway.surface.openai.documents import document_from
from gateway.surface.openai.images import image_from
from gateway.surface.openai.tools import OpenCalls, earlier_call


def conversation(messages: tuple[wire.Message, ...]) -> tuple[chat.Message, ...]:
    """Read the messages in order.

    Raises:
        InvalidRequest: A message that says nothing, an image we cannot read, a tool result that answers no call.
    """
    read = tuple([READERS[type(message)](message, place) for place, message in enumerate(messages)])
    for message in read:
        if message.tool_calls or message.tool_call_id is not None:
            _check_tool_results(read)
            break
    return read


def advisory(messages: tuple[wire.Message, ...]) -> set[str]:
    """Fields of messages that change no answer here and are to be reported back."""
    names: set[str] = set()
    for message in messages:
        if isinstance(message, wire.AssistantMessage):
            if message.annotations:
                names.add("annotations")
        elif isinstance(message.content, tuple):
            if any(is_shortened(part) for part in message.content):
                names.add("prompt_cache_breakpoint.ttl")
            images = [part.image_url for part in message.content if isinstance(part, wire.ImagePart)]
            if any(image.detail not in {None, "auto"} for image in images):
                names.add("image_url.detail")
    return names


def _system(message: wire.SystemMessage | wire.DeveloperMessage, _: int) -> chat.Message:
    return chat.Message("system", _texts(message.content), name=message.name)


def _user(message: wire.UserMessage, place: int) -> chat.Message:
    content = message.content
    if isinstance(content, str):
        return chat.Message("user", (chat.Text(content),), name=message.name)
    parts: list[chat.Part] = []
    for number, part in enumerate(content):
        parts.append(_part(part, f"messages[{place}].content[{number}]"))
        parts += cache_point(part)
    return chat.Message("user", tuple(parts), name=message.name)


def _part(part: wire.TextPart | wire.ImagePart | wire.FilePart, where: str) -> chat.Part:
    if isinstance(part, wire.TextPart):
        return chat.Text(part.text)
    if isinstance(part, wire.ImagePart):
        return image_from(part.image_url.url, parameter=f"{where}.image_url.url")
    file = part.file
    if file.file_id is not None:
        raise _not_supported(f"{where}.file.file_id", "send the file itself as file_data")
    if file.file_data is None:
        parameter = f"{where}.file.file_data"
        raise InvalidRequest(f"{parameter} is required", parameter=parameter)
    return document_from(file.file_data, title=file.filename, parameter=f"{where}.file.file_data")


def _assistant(message: wire.AssistantMessage, place: int) -> chat.Message:
    if message.audio is not None:
        raise _not_supported(f"messages[{place}].audio", "send its transcript as content")
    if message.function_call is not None:
        raise _not_supported(f"messages[{place}].function_call", "send tool_calls")
    calls = _calls(message.tool_calls, place) if message.tool_calls else ()
    # An assistant that refused has said its refusal: that is the text of its turn.
    content = message.refusal if message.content is None else message.content
    if content is None and not calls:
        where = f"messages[{place}].content"
        raise InvalidRequest(f"{where} is required of an assistant message without tool_calls", parameter=where)
    parts = () if not content and calls else _texts(content or "")
    if message.reasoning_details or message.reasoning_content:
        parts = (*_thoughts(message), *parts)
    return chat.Message("assistant", parts, calls, name=message.name)


def _thoughts(message: wire.AssistantMessage) -> Iterator[chat.Reasoning]:
    """What the model thought before it spoke; ``reasoning_content`` is the same without the seals."""
    for detail in message.reasoning_details or ():
        if isinstance(detail, wire.ReasoningText):
            yield chat.Reasoning(detail.text, detail.signature)
        else:
            yield chat.Reasoning(redacted=detail.data)
    if not message.reasoning_details and message.reasoning_content:
        yield chat.Reasoning(message.reasoning_content)


def _tool(message: wire.ToolMessage, _: int) -> chat.Message:
    return chat.Message("tool", _texts(message.content), tool_call_id=message.tool_call_id)


READERS: dict[type, Callable[..., chat.Message]] = {
    wire.SystemMessage: _system,
    wire.DeveloperMessage: _system,
    wire.UserMessage: _user,
    wire.AssistantMessage: _assistant,
    wire.ToolMessage: _tool,
}


def _texts(content: wire.TextContent | wire.AssistantContent) -> tuple[chat.Part, ...]:
    if isinstance(content, str):
        return (chat.Text(content),)
    parts: list[chat.Part] = []
    for part in content:
        if isinstance(part, wire.TextPart):
            parts += (chat.Text(part.text), *cache_point(part))
        else:
            parts.append(chat.Text(part.refusal))
    return tuple(parts)


def _not_supported(where: str, instead: str) -> InvalidRequest:
    return InvalidRequest(f"{where} is not supported: {instead}", parameter=where)


def _calls(calls: tuple[wire.ToolCall, ...], place: int) -> tuple[chat.ToolCall, ...]:
    return tuple([_call(call, f"messages[{place}].tool_calls[{number}]") for number, call in enumerate(calls)])


def _call(call: wire.ToolCall, where: str) -> chat.ToolCall:
    return earlier_call(call.id, call.function.name, call.function.arguments, where=f"{where}.function.arguments")


def _check_tool_results(messages: tuple[chat.Message, ...]) -> None:
    """Every call of an assistant's turn is answered once, right after it, and nothing else is answered."""
    calls = OpenCalls("message of role tool")
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        if message.role == "tool":
            calls.answer(message.tool_call_id, f"{where}.tool_call_id")
        else:
            calls.close(where)
            calls.open(message.tool_calls, f"{where}.tool_calls")
    calls.close(f"messages[{len(messages)}]")
