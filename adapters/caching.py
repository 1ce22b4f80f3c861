"""Cache points that a family has a place for. Leaving one out changes no answer, only its price: it is named, and nothing else.

Knows no native field.
"""

from typing import Any

from msgspec.structs import replace

from adapters.chat import CachePoint, ChatRequest, Message, Part, ToolSpec
from adapters.family import CachePoints

Holders = tuple[tuple[ToolSpec, ...], tuple[Message, ...]]


def fit(request: ChatRequest, rule: CachePoints, dropped: list[str]) -> dict[str, Any]:
    """The tools and messages of the request, where they have to change.

    Args:
        dropped: Takes the names of what is left out.
    """
    tools, messages = request.tools, request.messages
    if not rule.tools and any(tool.cache_point is not None for tool in tools):
        dropped.append("tools.cache_control")
        tools = tuple(replace(tool, cache_point=None) for tool in tools)
    points = [tool.cache_point for tool in tools if tool.cache_point is not None]
    points += [part for message in messages for part in message.parts if isinstance(part, CachePoint)]
    if not rule.ttl and any(point.ttl for point in points):
        dropped.append("cache_control.ttl")
        tools = tuple(replace(tool, cache_point=tool.cache_point and CachePoint()) for tool in tools)
        messages = tuple(replace(message, parts=tuple(map(_untimed, message.parts))) for message in messages)
    if len(points) > rule.most:
        dropped.append("cache_control")
        tools, messages = _latest(tools, messages, len(points) - rule.most)
    return {"tools": tools, "messages": messages}


def _untimed(part: Part) -> Part:
    return CachePoint() if isinstance(part, CachePoint) else part


def _latest(tools: tuple[ToolSpec, ...], messages: tuple[Message, ...], surplus: int) -> Holders:
    """Without the first so many points, in the prompt's order: tools, then messages. The last reach furthest."""
    kept_tools, kept_messages = [], []
    for tool in tools:
        leaves = surplus > 0 and tool.cache_point is not None
        surplus -= leaves
        kept_tools.append(replace(tool, cache_point=None) if leaves else tool)
    for message in messages:
        parts: list[Part] = []
        for part in message.parts:
            leaves = surplus > 0 and isinstance(part, CachePoint)
            surplus -= leaves
            parts += () if leaves else (part,)
        kept_messages.append(replace(message, parts=tuple(parts)))
    return tuple(kept_tools), tuple(kept_messages)
