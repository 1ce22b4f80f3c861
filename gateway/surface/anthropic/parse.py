"""The body of a message, or of a count, into a ``Call``: what Anthropic's contract refuses is refused here, what a family
cannot do is not.

Never raises anything but ``InvalidRequest``: whatever bytes come, the fault is the caller's and the answer a 400.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from adapters import chat
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.surface.answering import Arrival
from gateway.surface.anthropic import contents, hints
from gateway.surface.anthropic.wire import requests as wire
from gateway.surface.openai.bodies import refuse_depth, refuse_repeated_fields
from gateway.surface.openai.complaints import Hints, explain, quoted
from gateway.surface.openai.fields import Unsupported, refuse_unsupported, said
from gateway.surface.openai.tools import named_choice
from gateway.surface.spelling import Spelling

BETAS = b"anthropic-beta"
ADAPTIVE_EFFORT = "high"
"""Anthropic's own default of ``output_config.effort``."""

ADVISORY = ("user_profile_id", "billing_policy")
ADVISORY_OF_MESSAGES = (*ADVISORY, "service_tier", "diagnostics")
"""Fields that change no answer: accepted and reported back."""

UNSUPPORTED: Unsupported = {
    "speed": (("standard",), "a target is as fast as it is"),
    "compaction": ((), "leave earlier turns out yourself"),
    "context_management": (({}, {"edits": []}), "leave earlier turns out yourself"),
    "mcp_servers": (([],), "Quarry calls no servers: offer their tools as your own"),
}
UNSUPPORTED_OF_MESSAGES: Unsupported = {
    **UNSUPPORTED,
    "container": ((), "Quarry runs no code"),
    "inference_geo": ((), "the target's region decides"),
    "fallbacks": (([],), "the alias has its own, written by the gateway's operator"),
    "fallback_credit_token": ((), "it is about Anthropic's own service"),
    "thread": ((), "Quarry stores no conversations: send the earlier turns"),
}
"""Fields of Anthropic's that nothing here can honour."""

_OF_TOOLS: Unsupported = {
    "defer_loading": ((False,), "send only the tools that may be called"),
    "allowed_callers": (([], ["direct"]), "Quarry runs no code that could call it"),
    "input_examples": (([],), "describe them in the tool's description"),
}
_OF_OUTPUT: Unsupported = {"task_budget": ((), "max_tokens bounds an answer")}

_PROBLEMS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_message = msgspec.json.Decoder(wire.MessageBody).decode
_decode_count = msgspec.json.Decoder(wire.CountBody).decode

_Body = TypeVar("_Body", wire.MessageBody, wire.CountBody)


class Notes(Struct, frozen=True):
    """What the reply needs to know of the request.

    Attributes:
        omits_thoughts: The caller wants no more of thoughts than what a later turn has to send back.
        names: What the caller wrote instead of the usual name of a parameter, by chat's.
    """

    omits_thoughts: bool = False
    names: Spelling = msgspec.field(default_factory=dict)


def parse_message(body: bytes, arrival: Arrival) -> Call:
    """Read a request of ``POST /v1/messages``.

    Raises:
        InvalidRequest: The body is not JSON, not Anthropic's shape, or asks for what nothing here can do. ``parameter`` is
            the field to change, as Anthropic spells it.
    """
    asked = _read(body, _decode_message, hints.MESSAGE)
    refuse_unsupported(asked, UNSUPPORTED_OF_MESSAGES)
    names = said(asked, ADVISORY_OF_MESSAGES)
    if asked.metadata is not None and asked.metadata.user_id is not None:
        names.add("metadata.user_id")
    return _call(asked, body, arrival, names, stream=asked.stream or False)


def parse_count(body: bytes, arrival: Arrival) -> Call:
    """Read a request of ``POST /v1/messages/count_tokens``.

    Raises:
        InvalidRequest: See ``parse_message``.
    """
    asked = _read(body, _decode_count, hints.COUNT)
    refuse_unsupported(asked, UNSUPPORTED)
    return _call(asked, body, arrival, said(asked, ADVISORY), stream=False)


def notes_of(call: Call) -> Notes:
    """What ``parse_message`` has noted."""
    assert isinstance(call.notes, Notes)
    return call.notes


def _read(body: bytes, decode: Callable[[bytes], _Body], known: Hints) -> _Body:
    try:
        asked = decode(body)
    except _PROBLEMS as error:
        raise _foreign_tool(body) or explain(body, error, known) from error
    refuse_repeated_fields(body)
    return asked


def _foreign_tool(body: bytes) -> InvalidRequest | None:
    """The refusal of the first tool that is not the caller's own. Such a tool has fields of its own, which the decoder may
    well meet first, so it is looked for once the body has been refused.
    """
    try:
        tools = msgspec.json.decode(body)["tools"]
        kinds = [tool.get("type") or "custom" for tool in tools]
    except (*_PROBLEMS, KeyError, TypeError, AttributeError):
        return None
    for place, kind in enumerate(kinds):
        if isinstance(kind, str) and kind != "custom":
            where = f"tools[{place}].type"
            return InvalidRequest(
                f"{where} {quoted(kind)} is not supported: Anthropic runs it, or knows its schema; offer tools of your own",
                parameter=where,
            )
    return None


def _call(asked: wire.MessageBody | wire.CountBody, body: bytes, arrival: Arrival, ignored: set[str], *, stream: bool) -> Call:
    refuse_depth(body, (*_schemas(asked), *contents.inputs(asked)))
    tools = tuple(_tools(asked.tools or (), ignored))
    if any(name == BETAS for name, _ in arrival.headers):
        ignored.add(BETAS.decode())
    choice = asked.tool_choice
    serial = None if choice is None or isinstance(choice, wire.ToolChoiceNoneParam) else choice.disable_parallel_tool_use
    return Call(
        id=arrival.id,
        key=arrival.key,
        alias=asked.model,
        request=chat.ChatRequest(
            messages=contents.conversation(asked),
            sampling=_sampling(asked),
            tools=tools,
            tool_choice=_choice(choice, tools) if choice is not None else None,
            parallel_tool_calls=None if serial is None or not tools else not serial,
            response_format=_response_format(asked),
            advisory=tuple(sorted(ignored | contents.advisory(asked) | said(asked, ("quarry",)))),
            variables=asked.quarry.variables if asked.quarry is not None else None,
        ),
        received_at=arrival.received_at,
        stream=stream,
        notes=Notes(omits_thoughts=getattr(asked.thinking, "display", None) == "omitted", names=_names(asked)),
    )


def _schemas(asked: wire.CountBody) -> Iterator[tuple[str, int, object]]:
    for place, tool in enumerate(asked.tools or ()):
        yield f"tools[{place}].input_schema", 3, tool.input_schema
    for name, wanted in _formats(asked):
        yield f"{name}.schema", 3, wanted.schema


def _formats(asked: wire.CountBody) -> Iterator[tuple[str, wire.JsonFormat]]:
    if asked.output_config is not None and asked.output_config.format is not None:
        yield "output_config.format", asked.output_config.format
    if asked.output_format is not None:
        yield "output_format", asked.output_format


def _tools(tools: tuple[wire.ToolParam, ...], ignored: set[str]) -> Iterator[chat.ToolSpec]:
    names: set[str] = set()
    for place, tool in enumerate(tools):
        where = f"tools[{place}]"
        refuse_unsupported(tool, _OF_TOOLS, inside=f"{where}.")
        if tool.name in names:
            raise InvalidRequest(f"{where}.name {quoted(tool.name)} is given twice", parameter=f"{where}.name")
        names.add(tool.name)
        if tool.eager_input_streaming is not None:
            ignored.add("tools.eager_input_streaming")
        point = next(iter(contents.cache_point(tool)), None)
        yield chat.ToolSpec(tool.name, tool.description, tool.input_schema, tool.strict, point)


def _choice(choice: wire.Choice, tools: tuple[chat.ToolSpec, ...]) -> chat.ToolChoice | None:
    match choice:
        case wire.ToolChoiceToolParam():
            return named_choice(choice.name, tools)
        case wire.ToolChoiceAnyParam() if not tools:
            raise InvalidRequest('tool_choice of type "any" needs tools', parameter="tool_choice")
        case wire.ToolChoiceAnyParam():
            return chat.ToolChoice("required")
        case wire.ToolChoiceNoneParam() if tools:
            return chat.ToolChoice("none")
        case wire.ToolChoiceAutoParam() if tools:
            return chat.ToolChoice("auto")
    return None  # with nothing to call, these say what is so anyway


def _response_format(asked: wire.CountBody) -> chat.ResponseFormat | None:
    """Anthropic enforces the schema, so the caller counts on that."""
    found = list(_formats(asked))
    if len(found) > 1 and found[0][1] != found[1][1]:
        raise InvalidRequest(
            "output_config.format and output_format differ: send output_config.format", parameter="output_format"
        )
    return chat.ResponseFormat("json_schema", schema=found[0][1].schema, strict=True) if found else None


def _sampling(asked: wire.MessageBody | wire.CountBody) -> chat.Sampling:
    knobs: dict[str, Any] = _thinking(asked)
    if isinstance(asked, wire.MessageBody):
        knobs |= {
            "max_tokens": asked.max_tokens,
            "temperature": asked.temperature,
            "top_p": asked.top_p,
            "top_k": asked.top_k,
            "stop": asked.stop_sequences or (),
        }
    return chat.Sampling(**knobs)


def _names(asked: wire.CountBody) -> Spelling:
    has_effort = asked.output_config is not None and asked.output_config.effort is not None
    return {"reasoning_effort": "thinking"} if isinstance(asked.thinking, wire.ThinkingEnabled) and not has_effort else {}


def _thinking(asked: wire.CountBody) -> dict[str, Any]:
    """A budget in tokens, a word, or neither. Both at once is a family's to refuse."""
    output = asked.output_config or wire.OutputConfigParam()
    refuse_unsupported(output, _OF_OUTPUT, inside="output_config.")
    match asked.thinking:
        case wire.ThinkingDisabled():
            if output.effort is not None:
                where = "output_config.effort"
                raise InvalidRequest(
                    f"{where} says how much to think, and thinking is disabled: send one of them", parameter=where
                )
            return {}
        case wire.ThinkingEnabled(budget_tokens=budget):
            return {"reasoning_tokens": budget, "reasoning_effort": output.effort}
        case wire.ThinkingAdaptive():
            return {"reasoning_effort": output.effort or ADAPTIVE_EFFORT}
    return {"reasoning_effort": output.effort}
