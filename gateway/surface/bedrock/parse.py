"""A Converse body into a ``Call``. Raises nothing but ``InvalidRequest``: whatever bytes come, the answer is a 400.

What a family cannot do is not refused here, but what nothing behind this gateway can.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from adapters import chat
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.surface.answering import Arrival
from gateway.surface.bedrock import wire
from gateway.surface.bedrock.contents import advisory, cache_point, conversation, refused_depth
from gateway.surface.bedrock.place import place_of
from gateway.surface.openai.complaints import Hints, explain, quoted
from gateway.surface.spelling import Spelling

_decode = msgspec.json.Decoder(wire.ConverseBody).decode
_HINTS = Hints(tuple(field.encode_name for field in msgspec.structs.fields(wire.ConverseBody)), lambda _path, _value: None)

STOP_SEQUENCE = "/stop_sequence"
"""The one path of ``additionalModelResponseFieldPaths`` that is honoured."""

_FIELDS = "additionalModelRequestFields"


class Notes(msgspec.Struct, frozen=True):
    """What the reply needs to know of the request.

    Attributes:
        tells_stop: The caller wants to know which stop sequence was met.
        names: What the caller calls a parameter that Converse has no field for, by chat's name.
    """

    tells_stop: bool = False
    names: Spelling = msgspec.field(default_factory=dict)


def notes_of(call: Call) -> Notes:
    """What ``parse_converse`` has noted; nothing of any other call."""
    return call.notes if isinstance(call.notes, Notes) else Notes()


def parse_converse(body: bytes, arrival: Arrival, *, stream: bool) -> Call:
    """Read a request of ``Converse`` or ``ConverseStream``.

    Raises:
        InvalidRequest: The body is not JSON, not Converse's shape, or asks for what nothing here can do.
    """
    place = place_of(arrival.path)
    assert place is not None, "only such paths are answered here"
    try:
        asked = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain(body, error, _HINTS) from error
    _refuse_unsupported(asked)
    tools = _tools(asked.tool_config) if asked.tool_config is not None else ()
    names: dict[str, str] = {}
    variables = asked.prompt_variables
    return Call(
        id=arrival.id,
        key=arrival.key,
        alias=place.alias,
        request=chat.ChatRequest(
            messages=conversation(asked),
            sampling=_sampling(asked, names),
            tools=tools,
            tool_choice=_choice(asked.tool_config.tool_choice, tools) if asked.tool_config is not None else None,
            response_format=_response_format(asked.output_config) if asked.output_config is not None else None,
            advisory=tuple(sorted(_advisory(asked))),
            variables=None if variables is None else {name: value.text for name, value in variables.items()},
        ),
        received_at=arrival.received_at,
        stream=stream,
        notes=Notes(tells_stop=STOP_SEQUENCE in asked.additional_model_response_field_paths, names=names),
    )


def _refuse_unsupported(asked: wire.ConverseBody) -> None:
    if asked.guardrail_config is not None:
        raise InvalidRequest("guardrailConfig is not taken from callers: leave it out", parameter="guardrailConfig")
    if asked.service_tier is not None and asked.service_tier.type != "default":
        tier = asked.service_tier.type
        raise InvalidRequest(
            f'serviceTier "{tier}" is not supported: Bedrock chooses the tier by the target', parameter="serviceTier"
        )


def _advisory(asked: wire.ConverseBody) -> set[str]:
    """What is accepted and does nothing, by its own name."""
    names = advisory(asked)
    if asked.prompt_variables is not None:
        names.add("promptVariables")
    if asked.request_metadata:
        names.add("requestMetadata")
    if asked.performance_config is not None and asked.performance_config.latency != "standard":
        names.add("performanceConfig")
    if set(asked.additional_model_response_field_paths) - {STOP_SEQUENCE}:
        names.add("additionalModelResponseFieldPaths")
    return names


def _tools(config: wire.ToolConfig) -> tuple[chat.ToolSpec, ...]:
    specs: list[chat.ToolSpec] = []
    names: set[str] = set()
    for place, tool in enumerate(config.tools):
        where = f"toolConfig.tools[{place}]"
        if tool.system_tool is not None or wire.said(tool) is None:
            raise InvalidRequest(f"{where} must be a toolSpec or a cachePoint", parameter=where)
        if tool.cache_point is not None:
            if not specs:
                raise InvalidRequest(f"{where}: a cachePoint stands after the tools that it caches", parameter=where)
            specs[-1] = msgspec.structs.replace(specs[-1], cache_point=cache_point(tool.cache_point))
        elif tool.tool_spec is not None:
            specs.append(_spec(tool.tool_spec, where, names))
    return tuple(specs)


def _spec(spec: wire.ToolSpec, where: str, names: set[str]) -> chat.ToolSpec:
    if spec.name in names:
        raise InvalidRequest(f"{where}: two tools are called {quoted(spec.name)}", parameter=where)
    names.add(spec.name)
    refused_depth(spec.input_schema.json, f"{where}.toolSpec.inputSchema.json")
    return chat.ToolSpec(spec.name, spec.description, spec.input_schema.json, spec.strict)


def _choice(choice: wire.ToolChoice | None, tools: tuple[chat.ToolSpec, ...]) -> chat.ToolChoice | None:
    if choice is None:
        return None
    if wire.said(choice) is None:
        where = "toolConfig.toolChoice"
        raise InvalidRequest(f"{where} must have exactly one of auto, any and tool", parameter=where)
    if choice.tool is None:
        return chat.ToolChoice("auto" if choice.auto is not None else "required")
    if all(tool.name != choice.tool.name for tool in tools):
        where = "toolConfig.toolChoice.tool.name"
        raise InvalidRequest(f"{where} {quoted(choice.tool.name)} is not among the tools", parameter=where)
    return chat.ToolChoice("named", choice.tool.name)


def _response_format(config: wire.OutputConfig) -> chat.ResponseFormat | None:
    if config.text_format is None:
        return None
    wanted = config.text_format.structure.json_schema
    where = "outputConfig.textFormat.structure.jsonSchema.schema"
    try:
        schema = json.loads(wanted.schema)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{where} must be the JSON text of a schema", parameter=where) from error
    if not isinstance(schema, dict):
        raise InvalidRequest(f"{where} must be the JSON text of an object", parameter=where)
    refused_depth(schema, where)
    return chat.ResponseFormat("json_schema", wanted.name, schema)


def _sampling(asked: wire.ConverseBody, names: dict[str, str]) -> chat.Sampling:
    """The knobs; ``names`` learns what the caller calls those that families have several names for."""
    config = asked.inference_config
    knobs: dict[str, Any] = {
        "max_tokens": config.max_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "stop": config.stop_sequences,
    }
    for name, value in (asked.additional_model_request_fields or {}).items():
        read = ADDITIONAL.get(name)
        if read is None:
            known = ", ".join(sorted(ADDITIONAL))
            raise InvalidRequest(f"{_FIELDS}.{name[:64]} is not known here; known are {known}", parameter=_FIELDS)
        where = f"{_FIELDS}.{name}"
        found = read(where, value)
        knobs |= found
        names |= dict.fromkeys(found, f"{where}.topK" if name == "inferenceConfig" else where)
    if "reasoning_tokens" in names:
        names.setdefault("reasoning_effort", names["reasoning_tokens"])
    return chat.Sampling(**knobs)


def _number(knob: str, kind: type[int | float]) -> Callable[[str, Any], dict[str, Any]]:
    def read(where: str, value: Any) -> dict[str, Any]:
        if isinstance(value, bool) or not isinstance(value, int | float) or (kind is int and value != int(value)):
            raise InvalidRequest(f"{where} must be {'an integer' if kind is int else 'a number'}", parameter=where)
        return {knob: kind(value)}

    return read


def _thinking(where: str, value: Any) -> dict[str, Any]:
    """Claude's ``thinking``, which Converse has under this name and as ``reasoning_config``."""
    match value:
        case {"type": "disabled", **rest} if not rest:
            return {}
        case {"type": "enabled", "budget_tokens": int(budget), **rest} if not rest and budget > 0:
            return {"reasoning_tokens": budget}
    raise InvalidRequest(
        f'{where} must be {{"type": "enabled", "budget_tokens": 2048}} or {{"type": "disabled"}}', parameter=where
    )


def _nova_reasoning(where: str, value: Any) -> dict[str, Any]:
    match value:
        case {"type": "disabled", **rest} if not rest:
            return {}
        case {"type": "enabled", "maxReasoningEffort": str(effort), **rest} if not rest:
            return {"reasoning_effort": effort}
    raise InvalidRequest(
        f'{where} must be {{"type": "enabled", "maxReasoningEffort": "low"}} or {{"type": "disabled"}}', parameter=where
    )


def _nova_inference(where: str, value: Any) -> dict[str, Any]:
    """Nova's way to say ``topK``."""
    if isinstance(value, dict) and set(value) == {"topK"}:
        return _top_k(f"{where}.topK", value["topK"])
    raise InvalidRequest(f'{where} must be {{"topK": 50}}: the rest has members of its own', parameter=where)


def _effort(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise InvalidRequest(f"{where} must be a string", parameter=where)
    return {"reasoning_effort": value}


_top_k = _number("top_k", int)

ADDITIONAL: Mapping[str, Callable[[str, Any], dict[str, Any]]] = {
    "top_k": _top_k,
    "topK": _top_k,
    "k": _top_k,
    "seed": _number("seed", int),
    "frequency_penalty": _number("frequency_penalty", float),
    "presence_penalty": _number("presence_penalty", float),
    "thinking": _thinking,
    "reasoning_config": _thinking,
    "reasoningConfig": _nova_reasoning,
    "reasoning_effort": _effort,
    "inferenceConfig": _nova_inference,
}
"""The native parameters that are understood for whichever family answers, by every name that families have for them."""
