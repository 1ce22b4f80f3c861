"""Imported models: OpenAI's bodies on the way in, any shape on the way out."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Image, Message, ResponseFormat, Sampling, Text, ToolCall, ToolChoice, ToolSpec
from adapters.deltas import AssembledCall, Finish, Logprobs, TokenLogprob, ToolCallArguments, ToolCallStart, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import MalformedReply

CHAT, COMPLETION = FAMILIES["openai_chat"], FAMILIES["openai_completion"]
HI = ChatRequest((Message("user", (Text("Hi"),)),), Sampling(max_tokens=64))
WEATHER = ToolSpec(
    "get_current_weather",
    "The weather of a place",
    {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
    strict=True,
)


def read(family, chunks, request=HI):
    reader = family.reader(request)
    return [delta for chunk in chunks for delta in reader.read(chunk)] + reader.end()


def test_a_chat_with_every_knob_is_the_golden_one(golden_body):
    """An import has OpenAI's knobs under OpenAI's names; ``stream`` is said where it is so, ``model`` never."""
    request = ChatRequest(
        (Message("system", (Text("Be brief."),)), Message("user", (Text("How is the rainbow "), Text("formed?")), name="ann")),
        Sampling(
            max_tokens=100, temperature=0.5, top_p=0.9, stop=("END",), seed=7, frequency_penalty=0.5, presence_penalty=-0.5,
            logit_bias={"50256": -100}, logprobs=True, top_logprobs=2,
        ),
        response_format=ResponseFormat("json_schema", "answer", {"type": "object"}, strict=True),
    )  # fmt: skip

    assert json.loads(golden_body("openai_chat/text.request")) == json.loads(CHAT.encode(request, True))


def test_a_chat_with_tools_and_an_image_is_the_golden_one(golden_body):
    """Calls, their answers, definitions, the choice and an image pass in OpenAI's own form."""
    request = ChatRequest(
        (
            Message("user", (Text("Weather here?"), Image("image/jpeg", "/9j/4AAQ"))),
            Message("assistant", tool_calls=(ToolCall("call_1", "get_current_weather", ""),)),
            Message("tool", (Text("18 degrees"),), tool_call_id="call_1"),
        ),
        Sampling(max_tokens=100),
        tools=(WEATHER,),
        tool_choice=ToolChoice("named", "get_current_weather"),
        parallel_tool_calls=False,
    )

    assert json.loads(golden_body("openai_chat/tools.request")) == json.loads(CHAT.encode(request, False))


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_modes_of_choice_are_openai_words(mode):
    """Modes pass as they are."""
    request = ChatRequest(HI.messages, tools=(WEATHER,), tool_choice=ToolChoice(mode))

    assert json.loads(CHAT.encode(request, False))["tool_choice"] == mode


def test_a_completion_is_the_golden_one(golden_body):
    """``prompt`` with ``max_tokens`` is what makes AWS read a completion; the chat becomes ChatML."""
    request = ChatRequest(
        (Message("system", (Text("Be brief."),)), Message("user", (Text("Hi"),))),
        Sampling(max_tokens=64, temperature=0.5, stop=("END",)),
    )

    assert json.loads(golden_body("openai_completion/prompt.request")) == json.loads(COMPLETION.encode(request, True))


@pytest.mark.parametrize(
    ("body", "deltas"),
    [
        ("openai_chat/text", [TextDelta("A rainbow is light that rain has bent"), Finish("length", "length"), Usage(41, 100)]),
        ("openai_completion/text", [TextDelta(" Hello!"), Finish("stop", "stop"), Usage(9, 3)]),
        ("imported/bedrock_completion", [TextDelta("Hello!"), Finish("stop", "stop"), Usage(5, 2)]),
        ("imported/mistral", [TextDelta(" Hello!"), Finish("stop", "stop"), Usage(7, 7, source="headers")]),
        ("imported/mistral_chat", [TextDelta("Hello!"), Finish("length", "length"), Usage(7, 7, source="headers")]),
        ("imported/qwen2", [TextDelta("Hello!"), Finish("stop", None), Usage(7, 7, source="headers")]),
    ],
)
@pytest.mark.parametrize("family", [CHAT, COMPLETION, FAMILIES["llama3"]], ids=lambda family: family.name)
def test_a_whole_reply_is_read_by_its_shape(golden_body, family, body, deltas):
    """Whatever the import was asked in, its answer is understood in any known form, and vLLM's leftovers fall away."""
    assert deltas == family.decode(golden_body(f"{body}.reply"), HI, Usage(7, 7, source="headers"))


@pytest.mark.parametrize(
    ("chunks", "text", "usage"),
    [
        ("openai_chat/text", "Rain bends light.", Usage(41, 6)),
        ("openai_chat/metrics", "Rain bends light.", Usage(41, 6, source="metrics")),
        ("openai_completion/text", " Hello!", Usage(9, 3, source="metrics")),
        ("llama3/emoji", " I hear 👂", Usage(76, 83)),
        ("imported/mistral", " Hello!", Usage(5, 2, source="metrics")),
    ],
)
@pytest.mark.parametrize("family", [CHAT, COMPLETION], ids=lambda family: family.name)
def test_a_stream_is_read_by_its_shape(golden_chunks, family, chunks, text, usage):
    """Streams of imports are documented nowhere: every known form is read, with counts in a chunk of their own or not."""
    reply = assemble(read(family, golden_chunks(chunks)))

    assert text == reply.text
    assert Finish("stop", "stop") == reply.finish
    assert usage == reply.usage


def test_thinking_is_not_the_answer(golden_chunks):
    """``reasoning_content`` is shown apart from the answer."""
    assert assemble(read(CHAT, golden_chunks("openai_chat/text"))).reasoning == "Optics."


def test_a_literal_done_is_passed_over(golden_chunks):
    """Some servers let OpenAI's own end of a stream through as a chunk; it says nothing that was not said."""
    chunks = golden_chunks("openai_chat/metrics")

    assert read(CHAT, chunks) == read(CHAT, [*chunks, b"[DONE]"])


def test_logprobs_come_with_their_tokens(golden_body):
    """Log probabilities pass in order, the likeliest others beside them."""
    deltas = CHAT.decode(golden_body("openai_chat/logprobs.reply"), HI, None)

    assert Logprobs((TokenLogprob("Yes", -0.25, (("Yes", -0.25), ("No", -1.5))),)) in deltas


def test_tool_calls_have_dense_indexes_and_are_named_once(golden_chunks):
    """Upstream numbers 1 and 2 become 0 and 1; id and name come once although the upstream repeats them; no arguments are ``{}``."""
    deltas = read(CHAT, golden_chunks("openai_chat/tools"))

    assert [ToolCallStart(0, "call_1", "get_current_weather"), ToolCallStart(1, "call_2", "get_time")] == [
        delta for delta in deltas if isinstance(delta, ToolCallStart)
    ]
    assert {0, 1} == {delta.index for delta in deltas if isinstance(delta, ToolCallArguments)}
    assert (
        AssembledCall("call_1", "get_current_weather", '{"location": "Paris"}'),
        AssembledCall("call_2", "get_time", "{}"),
    ) == assemble(deltas).tool_calls
    assert Finish("tool_calls", "tool_calls") == assemble(deltas).finish


def test_calls_that_share_an_index_are_told_apart_by_their_ids():
    """A server that numbers every call 0 is understood by the ids."""
    calls = [{"index": 0, "id": f"call_{n}", "function": {"name": "f", "arguments": "{}"}} for n in (1, 2)]
    chunk = json.dumps({"choices": [{"delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}]}).encode()

    assert [call.id for call in assemble(read(CHAT, [chunk])).tool_calls] == ["call_1", "call_2"]


@pytest.mark.parametrize(("reason", "shown"), [("length", []), ("tool_calls", [ToolCallArguments(0, "{}")])])
def test_arguments_that_were_cut_off_are_not_made_up(reason, shown):
    """A call without arguments has ``{}``, unless the limit came before they could: then nobody knows."""
    call = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": ""}}
    chunk = json.dumps({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": reason}]}).encode()

    assert [ToolCallStart(0, "call_1", "f"), *shown, Finish(reason, reason)] == read(CHAT, [chunk])


def whole(message: dict, reason: str | None) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": reason}]}).encode()


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a'}}


@pytest.mark.parametrize(
    ("body", "finish"),
    [
        pytest.param(whole({"content": "Hi"}, "tool_calls"), Finish("stop", "tool_calls"), id="a call that is not there"),
        pytest.param(whole({"content": None, "tool_calls": [CALL]}, "length"), Finish("length", "length"), id="a truncated call"),
        pytest.param(
            whole({"content": None, "tool_calls": [CALL]}, "tool_calls"), Finish("tool_calls", "tool_calls"), id="a call"
        ),
        pytest.param(whole({"content": "Hi"}, "gave_up"), Finish("stop", "gave_up", known=False), id="a new word"),
        pytest.param(whole({"content": "Hi"}, "content_filter"), Finish("content_filter", "content_filter"), id="filtered"),
        pytest.param(whole({"content": None}, "stop"), Finish("stop", "stop"), id="silence, and said so"),
    ],
)
def test_reasons(body, finish):
    """A truncated call is ``length``; ``tool_calls`` is never said without one; a new word is kept and marked."""
    assert finish == assemble(CHAT.decode(body, HI, None)).finish


@pytest.mark.parametrize(
    "body",
    [
        whole({"content": "Hi"}, "abort"),
        whole({"content": None}, None),
        whole({"content": None, "tool_calls": [{"id": "call_1"}]}, "tool_calls"),
        b'{"choices":[]}',
        b'{"error":{"message":"CUDA out of memory"}}',
        b'"Hi"',
    ],
)
def test_what_is_no_reply(body):
    """A given-up generation, a nameless call, an error in a reply's clothes, no answer at all: each is malformed."""
    with pytest.raises(MalformedReply):
        CHAT.decode(body, HI, None)


@pytest.mark.parametrize("family", [CHAT, COMPLETION], ids=lambda family: family.name)
def test_stop_is_honoured_here_as_well(golden_chunks, family):
    """Imports that ignore ``stop`` end at it all the same; what was consumed is unknown, so no figure is made up."""
    request = ChatRequest(HI.messages, Sampling(max_tokens=64, stop=(" light",)))
    reader = family.reader(request)
    deltas = [delta for chunk in golden_chunks("openai_chat/metrics") for delta in reader.read(chunk)]

    assert reader.cut
    assert assemble(deltas).text == "Rain bends"
    assert Finish("stop", None) == assemble(deltas).finish
    assert assemble(deltas).usage is None


def test_cached_tokens_stay_inside_the_prompt():
    """OpenAI's prompt count includes what a cache gave; so does ours."""
    body = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":40,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":32}}}'

    assert Usage(40, 2, cache_read_tokens=32) == assemble(CHAT.decode(body, HI, None)).usage
