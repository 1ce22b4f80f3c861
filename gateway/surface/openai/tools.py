"""Functions that a caller offers, and calls made earlier: what OpenAI demands of both, however an endpoint spells them.

Knows no endpoint's wire: each says where in its body a thing stands.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

import msgspec

from adapters import chat
from gateway.errors import InvalidRequest
from gateway.surface.openai.bodies import DEEPEST, nested_too_deep
from gateway.surface.openai.complaints import quoted

Mode = Literal["none", "auto", "required"]

_EMPTY_SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
_read_object = msgspec.json.Decoder(dict[str, object]).decode


class Function(Protocol):
    """A function that the model may call, as any wire defines it."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str | None: ...
    @property
    def parameters(self) -> dict[str, Any] | None: ...
    @property
    def strict(self) -> bool | None: ...


def specs(functions: Iterable[Function], inside: str = "") -> tuple[chat.ToolSpec, ...]:
    """The functions on offer.

    Args:
        inside: What stands between ``tools[0]`` and ``.name`` in the caller's body.

    Raises:
        InvalidRequest: Two have the same name.
    """
    seen: set[str] = set()
    found = []
    for place, function in enumerate(functions):
        if function.name in seen:
            where = f"tools[{place}]{inside}.name"
            raise InvalidRequest(f"{where} {quoted(function.name)} is given twice", parameter=where)
        seen.add(function.name)
        found.append(chat.ToolSpec(function.name, function.description, function.parameters or _EMPTY_SCHEMA, function.strict))
    return tuple(found)


def named_choice(name: str, tools: tuple[chat.ToolSpec, ...]) -> chat.ToolChoice:
    """The choice of one function.

    Raises:
        InvalidRequest: It is not on offer.
    """
    if all(tool.name != name for tool in tools):
        raise InvalidRequest(f"tool_choice names {quoted(name)}, which is not among the tools", parameter="tool_choice")
    return chat.ToolChoice("named", name)


def free_choice(mode: Mode, tools: tuple[chat.ToolSpec, ...]) -> chat.ToolChoice | None:
    """The choice by a word; ``None`` where it says what is so anyway.

    Raises:
        InvalidRequest: A call is required, and nothing can be called.
    """
    if tools:
        return chat.ToolChoice(mode)
    if mode == "required":
        raise InvalidRequest('tool_choice "required" needs tools', parameter="tool_choice")
    return None


def earlier_call(call_id: str, name: str, arguments: str, *, where: str) -> chat.ToolCall:
    """A call of an earlier turn. Models send no arguments as an empty string; a family needs an object.

    Args:
        where: Where the arguments stand.

    Raises:
        InvalidRequest: The arguments are no JSON object, or nested too deep.
    """
    arguments = arguments or "{}"
    try:
        value = _read_object(arguments)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"{where} must be the JSON text of one object", parameter=where) from error
    if arguments.count("{") + arguments.count("[") > DEEPEST and nested_too_deep(value, DEEPEST):
        raise InvalidRequest(f"{where} is nested deeper than {DEEPEST} levels", parameter=where)
    return chat.ToolCall(call_id, name, arguments)


class OpenCalls:
    """Calls that wait for their results: each is answered once, right after the turn that made it, and nothing else is."""

    def __init__(self, results: str) -> None:
        """Nothing waits yet. ``results`` is what the endpoint calls the thing that answers."""
        self._results = results
        self._waiting: set[str] = set()

    def open(self, calls: Sequence[chat.ToolCall], where: str) -> None:
        """A turn makes these calls.

        Raises:
            InvalidRequest: Two of them have the same id.
        """
        self._waiting = {call.id for call in calls}
        if len(self._waiting) < len(calls):
            raise InvalidRequest(f"{where}: two calls have the same id", parameter=where)

    def answer(self, call_id: str | None, where: str) -> None:
        """Here is a result.

        Raises:
            InvalidRequest: Nobody waits for it.
        """
        if call_id not in self._waiting:
            raise InvalidRequest(f"{where} answers no open tool call of the assistant's turn before it", parameter=where)
        self._waiting.remove(call_id)

    def close(self, where: str) -> None:
        """The conversation goes on here.

        Raises:
            InvalidRequest: A call still waits.
        """
        if self._waiting:
            count = len(self._waiting)
            raise InvalidRequest(f"{where}: {count} tool call(s) of the turn before have no {self._results}", parameter=where)
