"""A chat completion body into a ``Call``: what OpenAI's contract refuses is refused here, what a family cannot do is not.

Never raises anything but ``InvalidRequest``: whatever bytes come, the fault is the caller's and the answer a 400.
"""

import json
import re
from operator import attrgetter
from typing import Any

import msgspec

from adapters import chat
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.surface.answering import Arrival
from gateway.surface.openai import wire
from gateway.surface.openai.complaints import explain, quoted
from gateway.surface.openai.conversation import DEEPEST, advisory, conversation, nested_too_deep

_decode = msgspec.json.Decoder(wire.ChatCompletionBody).decode

ADVISORY = (
    "user",
    "metadata",
    "store",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
)
"""Fields that change no answer: accepted and reported back."""

UNSUPPORTED: dict[str, tuple[Any, str]] = {
    "service_tier": (("auto", "default"), "Bedrock chooses the tier by the target"),
    "modalities": ((["text"],), "answers are text"),
    "verbosity": (("medium",), "ask for a length in a message"),
    "audio": ((), "answers are text"),
    "moderation": ((), "moderate before or after the call"),
    "prediction": ((), "Bedrock has no predicted outputs"),
    "web_search_options": ((), "Quarry searches nothing"),
    "functions": ((), "OpenAI deprecated it: use tools"),
    "function_call": (("none",), "OpenAI deprecated it: use tool_choice"),
}
"""Fields of OpenAI's that nothing here can honour: the values that mean no more than leaving them out, and what to do instead."""

# One C call reads all the fields that requests seldom have, so that the usual request pays for none of them.
_rare = attrgetter(*ADVISORY, *UNSUPPORTED)
_NOTHING_RARE = (None,) * (len(ADVISORY) + len(UNSUPPORTED))

# A key of five or six letters, one of them at least escaped. Bounded at both ends, so that no text makes the search slow.
_ESCAPED_KEY = re.compile(rb'"(?=[a-z]{0,5}\\u00)(?:[a-z]|\\u00[67][0-9a-fA-F]){5,6}"\s*:')
_UNIQUE = ("model", "stream")  # twice in a body, they would mean one thing to us and another to a proxy before us

_EMPTY_SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}


def parse_chat(body: bytes, arrival: Arrival) -> Call:
    """Read a request of ``POST /v1/chat/completions``.

    Raises:
        InvalidRequest: The body is not JSON, not OpenAI's shape, or asks for what nothing here can do. ``parameter`` is the
            field to change, as OpenAI spells it.
    """
    try:
        asked = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain(body, error) from error
    _refuse_repeated_fields(body)
    return Call(
        id=arrival.id,
        key=arrival.key,
        alias=asked.model,
        request=_request(asked, body),
        received_at=arrival.received_at,
        stream=asked.stream or False,
        choices=asked.n or 1,
        include_usage=_wants_usage(asked),
    )


def _request(asked: wire.ChatCompletionBody, body: bytes) -> chat.ChatRequest:
    if asked.tools or asked.response_format:
        _refuse_depth(asked, body)
    tools = _tools(asked.tools) if asked.tools else ()
    return chat.ChatRequest(
        messages=conversation(asked.messages),
        sampling=_sampling(asked),
        tools=tools,
        tool_choice=_tool_choice(asked.tool_choice, tools) if asked.tool_choice else None,
        parallel_tool_calls=asked.parallel_tool_calls if tools else None,
        response_format=_response_format(asked.response_format) if asked.response_format else None,
        advisory=_advisory(asked),
    )


def _refuse_repeated_fields(body: bytes) -> None:
    """The decoder lets a later field win in silence; a key may also hide behind escapes."""
    hidden = b"\\" in body and b"\\u00" in body and _ESCAPED_KEY.search(body)  # cheapest first
    if not hidden and body.count(b'"model"') == 1 and body.count(b'"stream"') <= 1:
        return
    # The hook sees inner objects before outer ones, so the last pairs are the body's own.
    pairs: list[tuple[str, Any]] = []

    def remember(found: list[tuple[str, Any]]) -> None:
        nonlocal pairs
        pairs = found

    try:
        json.loads(body, object_pairs_hook=remember)
    except RecursionError as error:  # it has less patience with depth than our decoder
        raise explain(body, error) from error
    names = [name for name, _ in pairs]
    for name in _UNIQUE:
        if names.count(name) > 1:
            raise InvalidRequest(f"{name} is given twice", parameter=name)


def _refuse_depth(asked: wire.ChatCompletionBody, body: bytes) -> None:
    """Only schemas can be deep: everything else has a shape. A body of few brackets cannot be deep at all."""
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return
    schemas = [
        (f"tools[{place}].function.parameters", 4, tool.function.parameters) for place, tool in enumerate(asked.tools or ())
    ]
    if isinstance(asked.response_format, wire.JsonSchemaFormat):
        schemas.append(("response_format.json_schema.schema", 3, asked.response_format.json_schema.schema))
    for where, levels_above, schema in schemas:
        if nested_too_deep(schema, DEEPEST - levels_above):
            raise InvalidRequest(f"{where} is nested deeper than {DEEPEST} levels", parameter=where)


def _wants_usage(asked: wire.ChatCompletionBody) -> bool:
    if asked.stream_options is None:
        return False
    if not asked.stream:
        raise InvalidRequest("stream_options is only for stream: true", parameter="stream_options")
    return asked.stream_options.include_usage or False


def _sampling(asked: wire.ChatCompletionBody) -> chat.Sampling:
    if asked.top_logprobs is not None and not asked.logprobs:
        raise InvalidRequest("top_logprobs needs logprobs: true", parameter="top_logprobs")
    stop = asked.stop
    return chat.Sampling(
        max_tokens=_max_tokens(asked),
        temperature=asked.temperature,
        top_p=asked.top_p,
        stop=() if stop is None else (stop,) if isinstance(stop, str) else stop,
        seed=asked.seed,
        frequency_penalty=asked.frequency_penalty,
        presence_penalty=asked.presence_penalty,
        logit_bias=asked.logit_bias or None,
        logprobs=asked.logprobs or None,
        top_logprobs=asked.top_logprobs,
        reasoning_effort=asked.reasoning_effort,
    )


def _max_tokens(asked: wire.ChatCompletionBody) -> int | None:
    newer, older = asked.max_completion_tokens, asked.max_tokens
    if newer is None:
        return older
    if older is not None and older != newer:
        raise InvalidRequest(
            f"max_tokens ({older}) and max_completion_tokens ({newer}) differ: send max_completion_tokens alone",
            parameter="max_tokens",
        )
    return newer


def _tools(tools: tuple[wire.Tool, ...]) -> tuple[chat.ToolSpec, ...]:
    seen: set[str] = set()
    specs = []
    for place, tool in enumerate(tools):
        function = tool.function
        if function.name in seen:
            where = f"tools[{place}].function.name"
            raise InvalidRequest(f"{where} {quoted(function.name)} is given twice", parameter=where)
        seen.add(function.name)
        specs.append(chat.ToolSpec(function.name, function.description, function.parameters or _EMPTY_SCHEMA, function.strict))
    return tuple(specs)


def _tool_choice(choice: str | wire.NamedToolChoice, tools: tuple[chat.ToolSpec, ...]) -> chat.ToolChoice | None:
    if isinstance(choice, wire.NamedToolChoice):
        name = choice.function.name
        if all(tool.name != name for tool in tools):
            raise InvalidRequest(f"tool_choice names {quoted(name)}, which is not among the tools", parameter="tool_choice")
        return chat.ToolChoice("named", name)
    if tools:
        return chat.ToolChoice(choice)  # type: ignore[arg-type] # the wire has narrowed it to three words
    if choice == "required":
        raise InvalidRequest('tool_choice "required" needs tools', parameter="tool_choice")
    return None  # with no tools, "auto" and "none" say what is so anyway


def _response_format(
    wanted: wire.TextFormat | wire.JsonObjectFormat | wire.JsonSchemaFormat,
) -> chat.ResponseFormat | None:
    if isinstance(wanted, wire.JsonSchemaFormat):
        schema = wanted.json_schema
        return chat.ResponseFormat("json_schema", schema.name, schema.schema, schema.strict)
    if isinstance(wanted, wire.JsonObjectFormat):
        return chat.ResponseFormat("json_object")
    return None  # "text" is the default


def _advisory(asked: wire.ChatCompletionBody) -> tuple[str, ...]:
    """What the caller sent that is accepted and does nothing, in a stable order."""
    names = advisory(asked.messages)
    if _rare(asked) != _NOTHING_RARE:
        _refuse_unsupported(asked)
        names |= {name for name in (*ADVISORY, *UNSUPPORTED) if getattr(asked, name) is not None} - {
            "modalities"
        }  # text: honoured
    if asked.stream_options is not None and asked.stream_options.include_obfuscation:
        names.add("stream_options.include_obfuscation")
    if asked.parallel_tool_calls is not None and not asked.tools:
        names.add("parallel_tool_calls")
    if isinstance(asked.response_format, wire.JsonSchemaFormat) and asked.response_format.json_schema.description:
        names.add("response_format.json_schema.description")
    return tuple(sorted(names)) if names else ()


def _refuse_unsupported(asked: wire.ChatCompletionBody) -> None:
    for name, (harmless, instead) in UNSUPPORTED.items():
        value = getattr(asked, name)
        if value is not None and value not in harmless:
            raise InvalidRequest(f"{name} is not supported: {instead}", parameter=name)
