"""Tools on offer, their choice, calls and results, in Claude's form. Knows no turn beside its own."""

import re
from typing import Any

from adapters import arguments
from adapters.chat import CachePoint, ChatRequest, Message, ToolCall, ToolSpec
from adapters.errors import UnsupportedContent
from adapters.families.claude.blocks import Block, blocks, mark

_FOREIGN_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_CHOICES = {"auto": "auto", "required": "any", "none": "none", "named": "tool"}


def add_tools(request: ChatRequest, body: dict[str, Any], *, has_strict: bool) -> None:
    """Put the tools and their choice into the body.

    Raises:
        InvalidParameter: A tool whose arguments are no object, named by its place.
    """
    if request.tools:
        body["tools"] = [
            _tool(tool, f"tools[{index}].function", has_strict=has_strict) for index, tool in enumerate(request.tools)
        ]
        if choice := _choice(request):
            body["tool_choice"] = choice
    elif names := dict.fromkeys(call.name for message in request.messages for call in message.tool_calls):
        # Calls in the history are refused without definitions. Since the caller offers none, none may be called.
        body["tools"] = [{"name": name, "input_schema": {"type": "object"}} for name in names]
        body["tool_choice"] = {"type": "none"}


def tool_use(call: ToolCall, place: str) -> Block:
    """The call as it was made.

    Raises:
        UnsupportedContent: The arguments are no object.
    """
    return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": arguments.as_object(call.arguments, place)}


def tool_result(message: Message, place: str) -> Block:
    """What a tool answered: text, images and documents; ``is_error`` where it failed.

    Raises:
        UnsupportedContent: Nobody knows which call it answers.
    """
    if message.tool_call_id is None:
        raise UnsupportedContent(f"{place} does not say which call it answers", parameter=f"{place}.tool_call_id")
    result: Block = {"type": "tool_result", "tool_use_id": _id(message.tool_call_id)}
    if content := blocks([part for part in message.parts if not isinstance(part, CachePoint)], place):
        result["content"] = content
    if message.is_error:
        result["is_error"] = True
    for part in message.parts:
        if isinstance(part, CachePoint):  # what is inside a result cannot be marked, only all of it
            mark(result, part)
    return result


def _id(call_id: str) -> str:
    """An id that Claude takes: other models' ids hold dots and colons. A call and its answer are changed alike."""
    return _FOREIGN_IN_ID.sub("_", call_id)


def _tool(tool: ToolSpec, place: str, *, has_strict: bool) -> Block:
    schema = arguments.object_schema(tool.parameters, f"{place}.parameters")
    native: Block = {"name": tool.name, "input_schema": {"type": "object", **schema}}
    if tool.description:
        native["description"] = tool.description
    if has_strict and tool.strict:
        native["strict"] = True
    mark(native, tool.cache_point)
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
