"""A chat request as Claude's native body. Knows nothing of replies.

Claude wants turns that alternate and begin with the user, one system text beside them, every answer of a tool in the
turn that follows the calls, and no text that is all white space. What OpenAI's form allows beyond that is brought into this order
where nothing is lost by it, and refused by its place where something would be.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.chat import ChatRequest, Image, Message, Part, Text, ToolCall, ToolSpec
from adapters.errors import UnsupportedContent
from adapters.families.claude.stops import native_stops

VERSION = "bedrock-2023-05-31"

_FOREIGN_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_CHOICES = {"auto": "auto", "required": "any", "none": "none", "named": "tool"}


def encode(request: ChatRequest, _stream: bool) -> bytes:
    """The native body; the operation's path, not the body, says whether it streams.

    Raises:
        UnsupportedContent: A turn that Claude's form cannot hold, named by its place.
    """
    sampling = request.sampling
    body: dict[str, Any] = {
        "anthropic_version": VERSION,
        "max_tokens": sampling.max_tokens,
        "messages": _turns(request.messages),
    }
    # Claude has one system text; a later system message keeps its order among its like, not its place among the turns.
    if system := "\n\n".join(message.text for message in request.messages if message.role == "system"):
        body["system"] = system
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if stops := native_stops(request):
        body["stop_sequences"] = stops
    _add_tools(request, body)
    return msgspec.json.encode(body)


def _turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Alternating turns: neighbours of one role become one, a tool's answers among the user's."""
    turns: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message, f"messages[{index}]")
        if not blocks:
            if role == "user":
                raise UnsupportedContent(
                    f"messages[{index}] is empty, and Claude reads no empty turn", parameter=f"messages[{index}]"
                )
            continue  # an assistant that said nothing
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        elif not turns and role == "assistant":
            raise UnsupportedContent(
                f"messages[{index}] is the assistant's, and Claude wants the user to speak first", parameter=f"messages[{index}]"
            )
        else:
            turns.append({"role": role, "content": blocks})
    if not turns:
        raise UnsupportedContent("messages holds no user's turn, and Claude wants one", parameter="messages")
    _trim_ending(turns[-1])
    return turns


def _trim_ending(last: dict[str, Any]) -> None:
    """An assistant's turn that Claude is to carry on may not end in white space: it refuses the whole request."""
    block = last["content"][-1]
    if last["role"] == "assistant" and block["type"] == "text":
        block["text"] = block["text"].rstrip()


def _blocks(message: Message, place: str) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [_tool_result(message, place)]
    blocks = _content(message.parts)
    for position, call in enumerate(message.tool_calls):
        blocks.append(_tool_use(call, f"{place}.tool_calls[{position}].function.arguments"))
    return blocks


def _content(parts: Sequence[Part]) -> list[dict[str, Any]]:
    blocks = []
    for part in parts:
        if isinstance(part, Image):
            blocks.append(_image(part))
        elif isinstance(part, Text) and part.text.strip():
            blocks.append({"type": "text", "text": part.text})
    return blocks


def _image(image: Image) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": image.media_type, "data": image.data}}


def _tool_use(call: ToolCall, place: str) -> dict[str, Any]:
    """The call as it was made. The arguments go out as the text they are: nothing is lost by reading and writing them."""
    arguments = call.arguments.strip() or "{}"
    try:
        msgspec.json.decode(arguments, type=dict)
    except (ValueError, RecursionError) as error:
        raise UnsupportedContent(f"{place} is not the JSON text of one object", parameter=place) from error
    return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": msgspec.Raw(arguments)}


def _tool_result(message: Message, place: str) -> dict[str, Any]:
    if message.tool_call_id is None:
        raise UnsupportedContent(f"{place} does not say which call it answers", parameter=f"{place}.tool_call_id")
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(message.tool_call_id)}
    if content := _content(message.parts):
        result["content"] = content
    return result


def _id(call_id: str) -> str:
    """An id that Claude takes: other models' ids hold dots and colons. A call and its answer are changed alike."""
    return _FOREIGN_IN_ID.sub("_", call_id)


def _add_tools(request: ChatRequest, body: dict[str, Any]) -> None:
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if choice := _choice(request):
            body["tool_choice"] = choice
    elif names := dict.fromkeys(call.name for message in request.messages for call in message.tool_calls):
        # Calls in the history are refused without definitions. Since the caller offers none, none may be called.
        body["tools"] = [{"name": name, "input_schema": {"type": "object"}} for name in names]
        body["tool_choice"] = {"type": "none"}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    native: dict[str, Any] = {"name": tool.name, "input_schema": {"type": "object", **tool.parameters}}
    if tool.description:
        native["description"] = tool.description
    return native


def _choice(request: ChatRequest) -> dict[str, Any] | None:
    """Claude's ``tool_choice``; ``none`` keeps the definitions, because the history may hold calls."""
    choice = request.tool_choice
    serial = request.parallel_tool_calls is False
    if choice is None and not serial:
        return None
    mode = choice.mode if choice is not None else "auto"
    native: dict[str, Any] = {"type": _CHOICES[mode]}
    if choice is not None and choice.mode == "named":
        native["name"] = choice.name
    if serial and mode != "none":
        native["disable_parallel_tool_use"] = True
    return native
