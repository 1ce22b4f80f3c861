"""The official ``openai`` SDK judges the wire of responses: its types know every field and every event, its parsers read them.

The SDK's types are generated from OpenAI's published schema, so a new release of it is what tells us of a new field.
"""

import json
import typing
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import openai
import pydantic
import pytest
from openai.types import responses, shared_params
from openai.types.responses import response_create_params, response_input_item_param, response_reasoning_item_param
from openai.types.responses.response_input_param import FunctionCallOutput

from adapters.chat import Reasoning as EarlierThought
from adapters.chat import ResponseFormat
from adapters.chat import Text as SaidText
from adapters.deltas import (
    Delta,
    Finish,
    Logprobs,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Text,
    TokenLogprob,
    ToolCallArguments,
    ToolCallStart,
    Usage,
)
from gateway.call import Call
from gateway.errors import UpstreamError
from gateway.surface.answering import Arrival
from gateway.surface.openai import wire
from gateway.surface.openai.responses import RESPONSES
from gateway.surface.openai.responses.parse import parse_response
from gateway.surface.openai.responses.render import Events, whole
from gateway.surface.openai.wire.responses import items, request
from tests.referees.openai_types import fields_of, strangers
from tests.referees.surface import KEY, Surface, client_of

REQUESTS = {
    request.ResponseBody: response_create_params.ResponseCreateParamsStreaming,
    request.FunctionTool: responses.FunctionToolParam,
    request.NamedFunction: responses.ToolChoiceFunctionParam,
    request.JsonOfSchema: responses.ResponseFormatTextJSONSchemaConfigParam,
    request.TextConfig: responses.ResponseTextConfigParam,
    request.ReasoningConfig: shared_params.Reasoning,
    request.ResponseStreamOptions: response_create_params.StreamOptions,
    items.InputText: responses.ResponseInputTextParam,
    items.InputImage: responses.ResponseInputImageParam,
    items.InputFile: responses.ResponseInputFileParam,
    items.OutputText: responses.ResponseOutputTextParam,
    wire.RefusalPart: responses.ResponseOutputRefusalParam,
    items.FunctionCallItem: responses.ResponseFunctionToolCallParam,
    items.FunctionCallOutputItem: FunctionCallOutput,
    items.ReasoningItem: responses.ResponseReasoningItemParam,
    items.SummaryText: response_reasoning_item_param.Summary,
    items.ReasoningPart: response_reasoning_item_param.Content,
}
# What the SDK adds to replies, which may be sent back as they were received.
OURS = {
    items.OutputText: {"parsed"},
    items.FunctionCallItem: {"parsed_arguments"},
    request.ResponseBody: {"quarry"},  # what only this gateway knows
}
MESSAGES = (
    responses.EasyInputMessageParam,
    response_input_item_param.Message,
    responses.ResponseOutputMessageParam,
)


@pytest.mark.parametrize(("ours", "theirs"), REQUESTS.items(), ids=[kind.__name__ for kind in REQUESTS])
def test_request_fields(ours: type[msgspec.Struct], theirs: type) -> None:
    """Trap 41: we know every field that OpenAI has, so "unrecognized" is true of each field that we call so."""
    assert fields_of(ours) - OURS.get(ours, set()) == set(typing.get_type_hints(theirs))


def test_messages() -> None:
    """OpenAI has three shapes of message, easy, input and output; ours is all of them."""
    assert fields_of(items.MessageItem) == set().union(*(typing.get_type_hints(theirs) for theirs in MESSAGES))


def test_inclusions() -> None:
    """Every word that ``include`` may hold is known."""
    assert set(typing.get_args(request.Includable)) == set(typing.get_args(responses.ResponseIncludable))


REPLIES: dict[str, Sequence[Delta]] = {
    "text": (Text("Hel"), Text("lo"), Finish("stop"), Usage(5, 2)),
    "text, cached": (Text("Hello"), Finish("stop"), Usage(500, 2, cache_read_tokens=400, cache_write_tokens=3)),
    "nothing": (Finish("length"), Usage(5, 0)),
    "refused by a guardrail": (Text("I cannot"), Finish("content_filter"), Usage(5, 2)),
    "calls": (
        ToolCallStart(0, "call_0", "weather"),
        ToolCallArguments(0, '{"city":'),
        ToolCallArguments(0, '"Rome"}'),
        ToolCallStart(1, "call_1", "clock"),
        Finish("tool_calls"),
        Usage(5, 9),
    ),
    "text and a call": (Text("Let me see"), ToolCallStart(0, "call_0", "clock"), Finish("tool_calls"), Usage(5, 9)),
    "log probabilities": (
        Text("Hé"),
        Logprobs((TokenLogprob("Hé", -0.5, (("Hi", float("-inf")),)),)),
        Finish("stop"),
        Usage(5, 1),
    ),
    "reasoning": (
        Reasoning("hm"),
        ReasoningSignature("sig"),
        RedactedReasoning("blob"),
        Text("yes"),
        Finish("stop"),
        Usage(5, 3),
    ),
}
each_reply = pytest.mark.parametrize("deltas", REPLIES.values(), ids=REPLIES.keys())
TOOLS: list[Any] = [
    {"type": "function", "name": name, "parameters": {"type": "object"}, "strict": False} for name in ("weather", "clock")
]
EVERYTHING: dict[str, Any] = {
    "input": "hi",
    "instructions": "Be brief.",
    "tools": TOOLS,
    "tool_choice": {"type": "function", "name": "clock"},
    "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
    "reasoning": {"effort": "low"},
    "text": {"format": {"type": "json_schema", "name": "X", "schema": {"type": "object"}, "strict": True}},
    "temperature": 1,
    "metadata": {"a": "b"},
}


def call_of(**fields: object) -> Call:
    body = {"model": "support-haiku"} | EVERYTHING | fields
    return parse_response(json.dumps(body).encode(), Arrival("req-1", KEY, 0.0))


# Fields that OpenAI sends and its SDK's types do not know.
UNTYPED = {"store"}
# An event's delta and done have no bytes of a token in the SDK's types, while the finished part has.
UNTYPED_LOGPROBS = {"bytes"}


@each_reply
def test_whole(deltas: Sequence[Delta]) -> None:
    """A whole reply is the SDK's own type, strictly: no field missing, none mistyped, none unknown."""
    reply = responses.Response.model_validate(json.loads(whole(call_of(), [deltas], 1_700_000_000)), strict=True)

    assert strangers(reply) == UNTYPED
    assert {"error", "incomplete_details", "instructions", "metadata", "usage"} <= reply.model_fields_set


EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(responses.ResponseStreamEvent)


@each_reply
def test_events(deltas: Sequence[Delta]) -> None:
    """Every event is the SDK's own type of that name, strictly."""
    events = Events(call_of(stream=True), 1_700_000_000)
    data = events.events(0, deltas) + events.end()

    kinds = set()
    for piece in data.removesuffix(b"\n\n").split(b"\n\n"):
        event = EVENT.validate_json(piece.partition(b"\ndata: ")[2], strict=True)
        assert strangers(event) <= UNTYPED | UNTYPED_LOGPROBS
        kinds.add(event.type)
    assert {"response.created", "response.in_progress"} < kinds


def test_failures() -> None:
    """Also the events of a failure are the SDK's types; ``error`` inside the first is where its clients look."""
    data = Events(call_of(stream=True), 1_700_000_000).error(UpstreamError("The model stopped answering"))
    *_, failure, failed = [
        EVENT.validate_json(piece.partition(b"\ndata: ")[2], strict=True) for piece in data.removesuffix(b"\n\n").split(b"\n\n")
    ]

    assert (failure.type, failure.message, strangers(failure)) == ("error", "The model stopped answering", {"error"})
    assert (failed.type, failed.response.status, failed.response.error.code) == ("response.failed", "failed", "server_error")


# The SDK's accumulator knows no response that is incomplete.
GOOD_ENDS = {name: deltas for name, deltas in REPLIES.items() if {Finish("stop"), Finish("tool_calls")} & {*deltas}}


@pytest.mark.parametrize("deltas", GOOD_ENDS.values(), ids=GOOD_ENDS.keys())
async def test_sdk_stream_is_whole(deltas: Sequence[Delta]) -> None:
    """The SDK's own accumulator makes of our stream what our whole reply says."""
    async with client_of(Surface(RESPONSES, deltas)) as client:
        reply = await client.responses.parse(model="m", input="hi", tools=TOOLS)
        async with client.responses.stream(model="m", input="hi", tools=TOOLS) as stream:
            text = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            streamed = await stream.get_final_response()

    assert "".join(text) == reply.output_text
    assert [item.to_dict() for item in streamed.output] == [item.to_dict() for item in reply.output]
    assert (streamed.id, streamed.status, streamed.usage) == (reply.id, reply.status, reply.usage)


async def test_sdk_stream_error() -> None:
    """Trap 10: an error inside a stream raises in the SDK, after the text that came before it."""
    said = []
    async with client_of(Surface(RESPONSES, [Text("half")], UpstreamError("The model stopped answering"))) as client:
        stream = await client.responses.create(model="m", input="hi", stream=True)
        with pytest.raises(openai.APIError, match="stopped answering") as caught:
            async for event in stream:
                said += [event.type]

    assert said[-1] == "response.output_text.delta"
    assert caught.value.code == "upstream_error"


class Person(pydantic.BaseModel):
    """What the SDK turns into a strict JSON schema."""

    name: str
    age: int


async def test_sdk_structured_output() -> None:
    """Trap 15: the SDK's structured output asks by a strict schema and parses what comes back, whole and streamed."""
    surface = Surface(RESPONSES, (Text('{"name":"Ann",'), Text('"age":7}'), Finish("stop"), Usage(5, 9)))
    async with client_of(surface) as client:
        reply = await client.responses.parse(model="m", input="hi", text_format=Person)
        async with client.responses.stream(model="m", input="hi", text_format=Person) as stream:
            streamed = await stream.get_final_response()

    wanted = surface.calls[0].request.response_format
    assert isinstance(wanted, ResponseFormat)
    assert (wanted.kind, wanted.name, wanted.strict) == ("json_schema", "Person", True)
    assert reply.output_parsed == streamed.output_parsed == Person(name="Ann", age=7)


class Weather(pydantic.BaseModel):
    """A tool whose arguments the SDK parses by itself."""

    city: str


WEATHER: list[Any] = [openai.pydantic_function_tool(Weather, name="weather")]
FLAT: list[Any] = [{"type": "function", **WEATHER[0]["function"]}]


async def whole_reply(client: openai.AsyncOpenAI) -> Any:
    return await client.responses.create(model="m", input="hi", tools=FLAT, include=["reasoning.encrypted_content"])


async def streamed_reply(client: openai.AsyncOpenAI) -> Any:
    async with client.responses.stream(model="m", input="hi", tools=FLAT, include=["reasoning.encrypted_content"]) as stream:
        return await stream.get_final_response()


async def parsed_reply(client: openai.AsyncOpenAI) -> Any:
    return await client.responses.parse(model="m", input="hi", tools=FLAT, include=["reasoning.encrypted_content"])


@pytest.mark.parametrize("ask", [whole_reply, streamed_reply, parsed_reply], ids=["whole", "streamed", "parsed"])
async def test_sdk_reply_sent_back(ask: Callable[[openai.AsyncOpenAI], Any]) -> None:
    """The SDK's own output items, with their calls answered, are legal input: thoughts, seals, text and calls in one turn."""
    deltas = (*REPLIES["reasoning"][:3], Text("Let me see"), *REPLIES["calls"][:3], Finish("tool_calls"), Usage(5, 9))
    surface = Surface(RESPONSES, deltas)
    async with client_of(surface) as client:
        output = (await ask(client)).output
        (call,) = [item for item in output if item.type == "function_call"]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "x"}
        await client.responses.create(model="m", input=[{"role": "user", "content": "hi"}, *output, result])

    _, turn, answer = surface.calls[1].request.messages
    assert turn.parts == (EarlierThought("hm", "sig"), EarlierThought(redacted="blob"), SaidText("Let me see"))
    assert [(call.id, call.name, call.arguments) for call in turn.tool_calls] == [("call_0", "weather", '{"city":"Rome"}')]
    assert (answer.role, answer.tool_call_id) == ("tool", "call_0")
    assert surface.calls[1].request.advisory == ()


async def test_sdk_parses_arguments() -> None:
    """The SDK reads a call's arguments into what its caller declared."""
    async with client_of(Surface(RESPONSES, (*REPLIES["calls"][:3], Finish("tool_calls")))) as client:
        reply = await client.responses.parse(model="m", input="hi", tools=FLAT)

    assert reply.output[0].parsed_arguments == {"city": "Rome"}
