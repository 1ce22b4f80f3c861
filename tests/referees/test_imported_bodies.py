"""OpenAI's own SDK judges what ``openai_chat`` sends and reads: AWS defers to OpenAI's reference for these bodies."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk, completion_create_params
from openai.types.completion_create_params import CompletionCreateParamsNonStreaming, CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from adapters import FAMILIES
from adapters.chat import ChatRequest, Image, Message, ResponseFormat, Sampling, Text, ToolCall, ToolChoice, ToolSpec
from adapters.deltas import assemble

GOLDEN = Path(__file__).parents[1] / "golden"
FULL = ChatRequest(
    (
        Message("system", (Text("Be brief."),)),
        Message("user", (Text("Weather here?"), Image("image/jpeg", "/9j/4AAQ")), name="ann"),
        Message("assistant", (Text("Let me look."),), tool_calls=(ToolCall("call_1", "weather", ""),)),
        Message("tool", (Text("18 degrees"),), tool_call_id="call_1"),
        Message("assistant", (Text("18 degrees."),)),
        Message("user", (Text("And "), Text("now?"))),
    ),
    Sampling(
        max_tokens=100, temperature=0.5, top_p=0.9, stop=("END",), seed=7, frequency_penalty=0.5, presence_penalty=-0.5,
        logit_bias={"50256": -100}, logprobs=True, top_logprobs=2,
    ),
    tools=(ToolSpec("weather", "The weather of a place", {"type": "object"}, strict=True), ToolSpec("now", None, {})),
    tool_choice=ToolChoice("named", "weather"),
    parallel_tool_calls=False,
    response_format=ResponseFormat("json_schema", "answer", {"type": "object"}, strict=True),
)  # fmt: skip
CHAT_FORMS = {
    True: completion_create_params.CompletionCreateParamsStreaming,
    False: completion_create_params.CompletionCreateParamsNonStreaming,
}
COMPLETION_FORMS = {True: CompletionCreateParamsStreaming, False: CompletionCreateParamsNonStreaming}


def judged(form, body: bytes) -> dict:
    """The body as the SDK's parameter types read it; ``model`` is added, since for Bedrock the path names it."""
    native = {"model": "m", **json.loads(body)}
    assert set(native) <= form.__required_keys__ | form.__optional_keys__
    judge = TypeAdapter(form)  # kept until all is read out: its lazy iterators do not keep it alive
    return read_out(judge.validate_python(native))


def read_out(value):
    """Judge to the bottom: the types judge what they call ``Iterable`` only when it is read."""
    if isinstance(value, Mapping):
        return {key: read_out(item) for key, item in value.items()}
    return [read_out(item) for item in value] if isinstance(value, Iterable) and not isinstance(value, str) else value


@pytest.mark.parametrize("stream", [True, False])
def test_a_full_chat_is_one_that_the_sdk_could_have_sent(stream):
    """Every field that we write is a field of OpenAI's, with a value of its type, down to the parts of a message."""
    body = judged(CHAT_FORMS[stream], FAMILIES["openai_chat"].encode(FULL, stream))

    assert [message["role"] for message in body["messages"]] == [message.role for message in FULL.messages]
    assert body["messages"] == json.loads(FAMILIES["openai_chat"].encode(FULL, stream))["messages"]
    assert body.get("stream", False) is stream


@pytest.mark.parametrize("stream", [True, False])
def test_a_completion_is_one_that_the_sdk_could_have_sent(stream):
    """The same for the older endpoint's form."""
    request = ChatRequest((Message("user", (Text("Hi"),)),), Sampling(max_tokens=9, temperature=0.5, stop=("END",), seed=7))
    body = judged(COMPLETION_FORMS[stream], FAMILIES["openai_completion"].encode(request, stream))

    assert body["prompt"].endswith("<|im_start|>assistant\n")
    assert body.get("stream", False) is stream


def test_whole_replies_say_what_the_sdk_reads():
    """Text and reason of the golden replies are those that the SDK finds in them."""
    hi = ChatRequest((Message("user", (Text("Hi"),)),))
    chat = (GOLDEN / "openai_chat/text.reply.json").read_bytes()
    completion = (GOLDEN / "openai_completion/text.reply.json").read_bytes()
    ours = [assemble(FAMILIES["openai_chat"].decode(body, hi, None)) for body in (chat, completion)]
    theirs = ChatCompletion.model_validate_json(chat), Completion.model_validate_json(completion)

    assert [theirs[0].choices[0].message.content, theirs[1].choices[0].text] == [reply.text for reply in ours]
    assert [one.choices[0].finish_reason for one in theirs] == [reply.finish.reason for reply in ours]
    assert [one.usage.completion_tokens for one in theirs] == [reply.usage.output_tokens for reply in ours]


@pytest.mark.parametrize("name", ["text", "metrics"])
def test_streams_say_what_the_sdk_reads(name):
    """The SDK's own accumulator and our reader make the same reply of the same chunks."""
    chunks = (GOLDEN / f"openai_chat/{name}.chunks.jsonl").read_bytes().splitlines()
    state = ChatCompletionStreamState()
    reader = FAMILIES["openai_chat"].reader(ChatRequest((Message("user", (Text("Hi"),)),)))
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(chunk))
    reply = assemble([delta for chunk in chunks for delta in reader.read(chunk)] + reader.end())
    theirs = state.get_final_completion().choices[0]

    assert theirs.message.content == reply.text
    assert theirs.finish_reason == reply.finish.reason
