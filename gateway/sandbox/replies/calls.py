"""Chooses a tool that fits a question and fills its arguments from the words. Pure and deterministic."""

import re
from collections.abc import Sequence

from gateway.sandbox.conversation import Ask, Call, Tool
from gateway.sandbox.replies.instances import instance
from gateway.sandbox.replies.words import keywords


def chosen(ask: Ask, text: str, *, has_result: bool = False) -> Call | None:
    """The call that this text deserves; ``None`` if no tool fits, or none may be called.

    With ``tool_choice`` ``any`` some tool is always called, and a named tool always is. A tool that the system text tells to
    call (``call the tool "name"``) is called where no other fits.

    Args:
        has_result: The text is what a tool has answered: nothing is called for it that nobody told to call.
    """
    if not ask.tools or ask.tool_choice == "none":
        return None
    named = next((tool for tool in ask.tools if tool.name == ask.tool_choice), None)
    told = _told(ask)
    fitting = [tool for tool in ask.tools if tool is not told and not has_result]
    tool = named or (_best(fitting, text) if fitting else None) or told
    if tool is None and ask.tool_choice == "any":
        tool = _best(ask.tools, text, required=True)
    return _filled(tool, text) if tool else None


def _told(ask: Ask) -> Tool | None:
    """The tool that the system text tells to call."""
    for turn in ask.turns:
        found = _ORDER.search(turn.text) if turn.role == "system" else None
        if found:
            return next((tool for tool in ask.tools if tool.name == found.group(1)), None)
    return None


_ORDER = re.compile(r'\bcall the tool "([^"]{1,64})"', re.IGNORECASE)


def _best(tools: Sequence[Tool], text: str, *, required: bool = False) -> Tool | None:
    asked = set(keywords(text))
    scores = [_fit(tool, asked) for tool in tools]
    best = max(scores)
    return tools[scores.index(best)] if best > 0 or required else None


def _fit(tool: Tool, asked: set[str]) -> int:
    """Words of the name count three times, of the description and the parameters once; verbs such as "get" not at all."""
    named = asked & (set(keywords(tool.name)) - _VERBS)
    described = asked & (set(keywords(tool.description)) - _VERBS)
    properties = tool.parameters.get("properties", {})
    parameters = asked & {word for name in properties for word in keywords(name)}
    # One word of a description in common is chance ("current", "given"); two are an intent.
    loose = len(described | parameters)
    return 3 * len(named) + (loose if named or loose > 1 else 0)


_VERBS = frozenset(keywords("get set fetch find look lookup make do run call use given return current tell show user"))


def _filled(tool: Tool, text: str) -> Call:
    """Required arguments always; optional ones only when the text speaks of them."""
    properties = tool.parameters.get("properties", {})
    required = tool.parameters.get("required", ())
    said = text.lower()
    optional = {
        name
        for name, schema in properties.items()
        if name not in required
        and isinstance(schema, dict)
        and any(str(value).lower() in said for value in schema.get("enum", ()))
    }
    wanted = {name: schema for name, schema in properties.items() if name in required or name in optional}
    shape = {"properties": wanted} if "properties" in tool.parameters else {}
    return Call(tool.name, instance(tool.parameters | {"type": "object"} | shape, text))
