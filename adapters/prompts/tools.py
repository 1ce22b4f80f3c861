"""Tools inside a prompt: what every template that has a place for them needs. Knows no template.

What the caller wrote of a tool is guarded like any other text of the caller's; that is each template's to do.
"""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.chat import ChatRequest, Message, ToolCall, ToolChoice, ToolSpec


def offered(request: ChatRequest) -> tuple[ToolSpec, ...]:
    """The tools that the prompt tells of: none where the caller forbids to call any, and of a named one that alone."""
    choice = request.tool_choice
    if choice is None or choice.mode in {"auto", "required"}:
        return request.tools
    return tuple(tool for tool in request.tools if tool.name == choice.name)


def forced(request: ChatRequest) -> ToolChoice | None:
    """The choice that leaves the model no choice but to call."""
    choice = request.tool_choice
    return choice if request.tools and choice is not None and choice.mode in {"required", "named"} else None


def function(tool: ToolSpec) -> dict[str, Any]:
    """The function alone, as OpenAI and Hugging Face describe it."""
    described = {"description": tool.description} if tool.description is not None else {}
    return {"name": tool.name, **described, "parameters": tool.parameters}


def wrapped(tool: ToolSpec) -> dict[str, Any]:
    """The function as one kind of tool."""
    return {"type": "function", "function": function(tool)}


def dumped(value: Any, indent: int | None = None) -> str:
    """JSON as the templates' ``tojson`` writes it: a space behind commas and colons, every letter as it is."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def arguments(call: ToolCall) -> Any:
    """The arguments of an earlier call as a value; those that are no JSON stay the text that they are."""
    try:
        return msgspec.json.decode(call.arguments or "{}")
    except msgspec.DecodeError:
        return call.arguments


def answer_to(call: ToolCall, later: Iterable[Message]) -> Message | None:
    """The message that brings a call's result."""
    return next((message for message in later if message.tool_call_id == call.id), None)
