"""The official ``openai`` SDK judges our wire: its types know every field, its parsers read every reply.

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
from openai.types import Model, chat
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    completion_create_params,
)
from openai.types.shared_params import FunctionDefinition, response_format_json_schema

from adapters.chat import ChatRequest, Sampling, ToolChoice
from adapters.chat import Reasoning as Thought
from adapters.chat import Text as Said
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
from gateway.registry.model import Route, Snapshot
from gateway.surface.openai import wire
from gateway.surface.openai.chat import CHAT
from gateway.surface.openai.models import entry
from gateway.surface.openai.render import Events, whole
from tests.referees.openai_types import fields_of, strangers
from tests.referees.surface import KEY, Surface, client_of

REQUESTS = {
    wire.ChatCompletionBody: completion_create_params.CompletionCreateParamsStreaming,
    wire.SystemMessage: chat.ChatCompletionSystemMessageParam,
    wire.DeveloperMessage: chat.ChatCompletionDeveloperMessageParam,
    wire.UserMessage: chat.ChatCompletionUserMessageParam,
    wire.AssistantMessage: chat.ChatCompletionAssistantMessageParam,
    wire.ToolMessage: chat.ChatCompletionToolMessageParam,
    wire.TextPart: chat.ChatCompletionContentPartTextParam,
    wire.RefusalPart: chat.ChatCompletionContentPartRefusalParam,
    wire.ImagePart: chat.ChatCompletionContentPartImageParam,
    wire.FilePart: chat.chat_completion_content_part_param.File,
    wire.FileContent: chat.chat_completion_content_part_param.FileFile,
    wire.PromptCacheBreakpoint: chat.chat_completion_content_part_text_param.PromptCacheBreakpoint,
    wire.ImageUrl: chat.chat_completion_content_part_image_param.ImageURL,
    wire.Tool: chat.ChatCompletionFunctionToolParam,
    wire.FunctionDefinition: FunctionDefinition,
    wire.ToolCall: chat.ChatCompletionMessageFunctionToolCallParam,
    wire.CalledFunction: chat.chat_completion_message_function_tool_call_param.Function,
    wire.NamedToolChoice: chat.ChatCompletionNamedToolChoiceParam,
    wire.StreamOptions: chat.ChatCompletionStreamOptionsParam,
    wire.JsonSchema: response_format_json_schema.JSONSchema,
}
# Of replies that are sent back whole: OpenAI's own fields of replies, what the SDK adds, what reasoning models made common.
OURS = {
    wire.AssistantMessage: {"annotations", "reasoning_content", "reasoning_details", "parsed"},
    wire.ToolCall: {"index"},
    wire.ChatCompletionBody: {"quarry"},  # what only this gateway knows
    wire.CalledFunction: {"parsed_arguments"},
}


@pytest.mark.parametrize(("ours", "theirs"), REQUESTS.items(), ids=[kind.__name__ for kind in REQUESTS])
def test_request_fields(ours: type[msgspec.Struct], theirs: type) -> None:
    """Trap 41: we know every field that OpenAI has, so "unrecognized" is true of each field that we call so."""
    assert fields_of(ours) - OURS.get(ours, set()) == set(typing.get_type_hints(theirs))


def test_reasoning_efforts() -> None:
    """Every effort that OpenAI has a word for is a word here, too."""
    theirs = typing.get_type_hints(completion_create_params.CompletionCreateParamsStreaming)["reasoning_effort"]
    ours = typing.get_type_hints(wire.ChatCompletionBody)["reasoning_effort"]

    assert words(theirs) == words(ours)


def words(hint: Any) -> set[str]:
    """The strings among a hint's literals."""
    arguments = typing.get_args(hint)
    return {each for each in arguments if isinstance(each, str)}.union(
        *(words(each) for each in arguments if not isinstance(each, str))
    )


def call_of(sampling: Sampling = Sampling(), **fields: Any) -> Call:  # noqa: B008 - frozen
    request = ChatRequest(messages=(), sampling=sampling)
    return Call(id="req-1", key=KEY, alias="support-haiku", request=request, received_at=0.0, **fields)


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
    "reasoning": (Reasoning("hm"), Text("yes"), Finish("stop"), Usage(5, 3)),
    "sealed reasoning": (
        Reasoning("h"),
        Reasoning("m"),
        ReasoningSignature("c2ln"),
        RedactedReasoning("eHg="),
        Text("yes"),
        Finish("stop"),
        Usage(5, 3),
    ),
}
REASONING = {"reasoning_content", "reasoning_details"}
"""What reasoning models made common: OpenAI has no fields for it."""
each_reply = pytest.mark.parametrize("deltas", REPLIES.values(), ids=REPLIES.keys())


@each_reply
def test_whole(deltas: Sequence[Delta]) -> None:
    """A whole reply is the SDK's own type, strictly: no field missing, none mistyped, none unknown but reasoning."""
    body = whole(call_of(Sampling(logprobs=True), choices=2), [deltas, deltas], 1_700_000_000)

    reply = ChatCompletion.model_validate(json.loads(body), strict=True)

    assert strangers(reply) <= REASONING
    assert reply.choices[0].message.refusal is None
    assert {"content", "refusal", "role"} <= reply.choices[0].message.model_fields_set


@each_reply
def test_chunks(deltas: Sequence[Delta]) -> None:
    """Every event of a stream is the SDK's own type, strictly."""
    events = Events(call_of(Sampling(logprobs=True), stream=True, include_usage=True), 1_700_000_000)
    data = events.events(0, deltas) + events.end()

    chunks = [
        ChatCompletionChunk.model_validate(json.loads(event[6:]), strict=True)
        for event in data.strip().split(b"\n\n")
        if event != b"data: [DONE]"
    ]

    assert all(strangers(chunk) <= REASONING for chunk in chunks)
    assert chunks[-1].usage is not None
    assert all({"delta", "finish_reason", "index"} <= choice.model_fields_set for chunk in chunks for choice in chunk.choices)


def test_model() -> None:
    """An entry of the model list is the SDK's own type, strictly."""
    found = entry(Snapshot({"support-haiku": Route("support-haiku", ())}, created_at=1_700_000_000), KEY, "support-haiku")

    assert strangers(Model.model_validate(json.loads(msgspec.json.encode(found)), strict=True)) == set()


HI: list[Any] = [{"role": "user", "content": "hi"}]


# The SDK's accumulator raises on purpose at the other two finish reasons.
GOOD_ENDS = {name: deltas for name, deltas in REPLIES.items() if {Finish("stop"), Finish("tool_calls")} & {*deltas}}


@pytest.mark.parametrize("deltas", GOOD_ENDS.values(), ids=GOOD_ENDS.keys())
async def test_sdk_stream_is_whole(deltas: Sequence[Delta]) -> None:
    """The SDK's own accumulator makes of our stream what our whole reply says."""
    async with client_of(Surface(CHAT, deltas)) as client:
        reply = await client.chat.completions.create(model="support-haiku", messages=HI, n=2)
        async with client.chat.completions.stream(
            model="support-haiku", messages=HI, n=2, stream_options={"include_usage": True}
        ) as stream:
            accumulated = await stream.get_final_completion()

    assert len(accumulated.choices) == len(reply.choices) == 2
    for streamed, said in zip(accumulated.choices, reply.choices, strict=True):
        assert streamed.finish_reason == said.finish_reason
        assert (streamed.message.content or "") == (said.message.content or "")
        assert [
            (call.id, call.type, call.function.name, call.function.arguments) for call in streamed.message.tool_calls or ()
        ] == [(call.id, call.type, call.function.name, call.function.arguments) for call in said.message.tool_calls or ()]
        assert streamed.message.model_extra == said.message.model_extra
    assert accumulated.usage == reply.usage
    assert (accumulated.id, accumulated.model, accumulated.created) == (reply.id, reply.model, reply.created)


async def test_sdk_stream_error() -> None:
    """Trap 10, C17: an error inside a stream raises in the SDK, after the text that came before it."""
    gateway = Surface(CHAT, [Text("half")], UpstreamError("The model stopped answering"))
    said = []
    async with client_of(gateway) as client:
        stream = await client.chat.completions.create(model="support-haiku", messages=HI, stream=True)
        with pytest.raises(openai.APIError, match="stopped answering") as caught:
            async for chunk in stream:
                said += [choice.delta.content for choice in chunk.choices]
                assert all(choice.finish_reason is None for choice in chunk.choices)

    assert said == ["", "half"]
    assert caught.value.code == "upstream_error"


class Person(pydantic.BaseModel):
    """What the SDK turns into a strict JSON schema."""

    name: str
    age: int


SENT: dict[str, tuple[dict[str, Any], Callable[[Call], bool]]] = {
    "everything at once": (
        {
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "hé 🙂"}], "name": "ann"},
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                {"role": "tool", "tool_call_id": "1", "content": "42"},
            ],
            "temperature": 0,
            "stop": ["a"],
            "max_completion_tokens": 5,
            "tools": [openai.pydantic_function_tool(Person)],
            "tool_choice": {"type": "function", "function": {"name": "Person"}},
            "metadata": {"a": "b"},
            "seed": 7,
        },
        lambda call: (
            call.request.messages[1].text == "hé 🙂"
            and call.request.tool_choice == ToolChoice("named", "Person")
            and call.request.sampling == Sampling(max_tokens=5, temperature=0.0, stop=("a",), seed=7)
            and call.request.advisory == ("metadata",)
        ),
    ),
    "explicit defaults": (
        {"messages": HI, "n": 1, "frequency_penalty": 0, "logprobs": False, "response_format": {"type": "text"}, "store": False},
        lambda call: call.request.sampling == Sampling(frequency_penalty=0.0) and call.request.response_format is None,
    ),
}


@pytest.mark.parametrize(("fields", "holds"), SENT.values(), ids=SENT.keys())
async def test_sdk_request(fields: dict[str, Any], holds: Callable[[Call], bool]) -> None:
    """What the SDK sends is what its caller meant."""
    gateway = Surface(CHAT, REPLIES["text"])
    async with client_of(gateway) as client:
        await client.chat.completions.create(model="support-haiku", **fields)

    assert holds(gateway.calls[0])


async def test_sdk_structured_output() -> None:
    """Trap 15: the SDK's structured output asks by a strict schema and parses what comes back."""
    gateway = Surface(CHAT, (Text('{"name":"Ann","age":7}'), Finish("stop"), Usage(5, 9)))
    async with client_of(gateway) as client:
        reply = await client.chat.completions.parse(model="support-haiku", messages=HI, response_format=Person)

    wanted = gateway.calls[0].request.response_format
    assert wanted is not None
    assert (wanted.kind, wanted.name, wanted.strict) == ("json_schema", "Person", True)
    assert reply.choices[0].message.parsed == Person(name="Ann", age=7)


async def whole_reply(client: openai.AsyncOpenAI) -> Any:
    return await client.chat.completions.create(model="support-haiku", messages=HI)


async def streamed_reply(client: openai.AsyncOpenAI) -> Any:
    async with client.chat.completions.stream(model="support-haiku", messages=HI, tools=TOOLS) as stream:
        return await stream.get_final_completion()


async def parsed_reply(client: openai.AsyncOpenAI) -> Any:
    return await client.chat.completions.parse(model="support-haiku", messages=HI, tools=TOOLS)


class Weather(pydantic.BaseModel):
    """A tool whose arguments the SDK parses by itself."""

    city: str


TOOLS: list[Any] = [openai.pydantic_function_tool(Weather, name="weather")]


@pytest.mark.parametrize("ask", [whole_reply, streamed_reply, parsed_reply], ids=["whole", "streamed", "parsed"])
async def test_sdk_reply_sent_back(ask: Callable[[openai.AsyncOpenAI], Any]) -> None:
    """Trap 21: the SDK's own reply object, appended to the conversation with its calls answered, is a legal request."""
    gateway = Surface(CHAT, (Text(""), *REPLIES["calls"][:3], Finish("tool_calls"), Usage(5, 9)))
    async with client_of(gateway) as client:
        message = (await ask(client)).choices[0].message
        results = [{"role": "tool", "tool_call_id": call.id, "content": "x"} for call in message.tool_calls or ()]
        await client.chat.completions.create(model="support-haiku", messages=[*HI, message, *results])

    turn = gateway.calls[1].request.messages[1]
    assert (turn.role, turn.parts) == ("assistant", ())
    assert [(call.id, call.name, call.arguments) for call in turn.tool_calls] == [("call_0", "weather", '{"city":"Rome"}')]


@pytest.mark.parametrize("ask", [whole_reply, streamed_reply], ids=["whole", "streamed"])
async def test_sdk_thoughts_sent_back(ask: Callable[[openai.AsyncOpenAI], Any]) -> None:
    """Trap 30: the SDK's own reply object, appended to the conversation, brings back every thought with its seal."""
    gateway = Surface(CHAT, REPLIES["sealed reasoning"])
    async with client_of(gateway) as client:
        message = (await ask(client)).choices[0].message
        await client.chat.completions.create(model="support-haiku", messages=[*HI, message, *HI])

    turn = gateway.calls[1].request.messages[1]
    assert turn.parts == (Thought("hm", "c2ln"), Thought(redacted="eHg="), Said("yes"))


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the SDK's own, about its own object
async def test_sdk_parsed_answer_sent_back() -> None:
    """A structured answer that the SDK has parsed is sent back with its text."""
    gateway = Surface(CHAT, (Text('{"name":"Ann","age":7}'), Finish("stop"), Usage(5, 9)))
    async with client_of(gateway) as client:
        reply = await client.chat.completions.parse(model="support-haiku", messages=HI, response_format=Person)
        await client.chat.completions.create(model="support-haiku", messages=[*HI, reply.choices[0].message])

    assert gateway.calls[1].request.messages[1].text == '{"name":"Ann","age":7}'
