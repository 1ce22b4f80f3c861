"""A chat completion body into a ``Call``: what OpenAI's contract refuses is refused here, what a family cannot do is not.

Never raises anything but ``InvalidRequest``: whatever bytes come, the fault is the caller's and the answer a 400.
"""

from operator import attrgetter

import msgspec

from adapters import chat
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.surface.answering import Arrival
from gateway.surface.openai import wire
from gateway.surface.openai.bodies import refuse_depth, refuse_repeated_fields
from gateway.surface.openai.complaints import explain
from gateway.surface.openai.conversation import advisory, conversation
from gateway.surface.openai.fields import Unsupported, refuse_unsupported, said, wants_usage
from gateway.surface.openai.tools import Mode, free_choice, named_choice, specs

_decode = msgspec.json.Decoder(wire.ChatCompletionBody).decode

ADVISORY = (
    "user",
    "metadata",
    "quarry",
    "store",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
)
"""Fields that change no answer: accepted and reported back."""

UNSUPPORTED: Unsupported = {
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
"""Fields of OpenAI's chat that nothing here can honour."""

# One C call reads all the fields that requests seldom have, so that the usual request pays for none of them.
_rare = attrgetter(*ADVISORY, *UNSUPPORTED)
_NOTHING_RARE = (None,) * (len(ADVISORY) + len(UNSUPPORTED))


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
    refuse_repeated_fields(body)
    return Call(
        id=arrival.id,
        key=arrival.key,
        alias=asked.model,
        request=_request(asked, body),
        received_at=arrival.received_at,
        stream=asked.stream or False,
        choices=asked.n or 1,
        include_usage=wants_usage(asked.stream_options, asked.stream),
    )


def _request(asked: wire.ChatCompletionBody, body: bytes) -> chat.ChatRequest:
    if asked.tools or asked.response_format:
        _refuse_depth(asked, body)
    tools = specs((tool.function for tool in asked.tools), ".function") if asked.tools else ()
    return chat.ChatRequest(
        messages=conversation(asked.messages),
        sampling=_sampling(asked),
        tools=tools,
        tool_choice=_tool_choice(asked.tool_choice, tools) if asked.tool_choice else None,
        parallel_tool_calls=asked.parallel_tool_calls if tools else None,
        response_format=_response_format(asked.response_format) if asked.response_format else None,
        advisory=_advisory(asked),
        variables=_variables(asked) if asked.metadata or asked.quarry else None,
    )


def _refuse_depth(asked: wire.ChatCompletionBody, body: bytes) -> None:
    schemas: list[tuple[str, int, object]] = [
        (f"tools[{place}].function.parameters", 4, tool.function.parameters) for place, tool in enumerate(asked.tools or ())
    ]
    if isinstance(asked.response_format, wire.JsonSchemaFormat):
        schemas.append(("response_format.json_schema.schema", 3, asked.response_format.json_schema.schema))
    refuse_depth(body, schemas)


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


def _tool_choice(choice: Mode | wire.NamedToolChoice, tools: tuple[chat.ToolSpec, ...]) -> chat.ToolChoice | None:
    if isinstance(choice, wire.NamedToolChoice):
        return named_choice(choice.function.name, tools)
    return free_choice(choice, tools)


def _response_format(
    wanted: wire.TextFormat | wire.JsonObjectFormat | wire.JsonSchemaFormat,
) -> chat.ResponseFormat | None:
    if isinstance(wanted, wire.JsonSchemaFormat):
        schema = wanted.json_schema
        return chat.ResponseFormat("json_schema", schema.name, schema.schema, schema.strict)
    if isinstance(wanted, wire.JsonObjectFormat):
        return chat.ResponseFormat("json_object")
    return None  # "text" is the default


def _variables(asked: wire.ChatCompletionBody) -> dict[str, str]:
    """Texts for the places of an alias's own prompt: what only this gateway reads stands above what any client can send."""
    own = asked.quarry.variables if asked.quarry is not None else None
    return {**(asked.metadata or {}), **(own or {})}


def _advisory(asked: wire.ChatCompletionBody) -> tuple[str, ...]:
    """What the caller sent that is accepted and does nothing, in a stable order."""
    names = advisory(asked.messages)
    if _rare(asked) != _NOTHING_RARE:
        refuse_unsupported(asked, UNSUPPORTED)
        names |= said(asked, (*ADVISORY, *UNSUPPORTED)) - {"modalities"}  # text: honoured
    if asked.stream_options is not None and asked.stream_options.include_obfuscation:
        names.add("stream_options.include_obfuscation")
    if asked.parallel_tool_calls is not None and not asked.tools:
        names.add("parallel_tool_calls")
    if isinstance(asked.response_format, wire.JsonSchemaFormat) and asked.response_format.json_schema.description:
        names.add("response_format.json_schema.description")
    return tuple(sorted(names)) if names else ()
