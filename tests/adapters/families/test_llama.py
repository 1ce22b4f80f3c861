"""Llama 2 and 3 against their golden bodies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters import FAMILIES
from adapters.chat import ChatRequest, Image, Message, ResponseFormat, Sampling, Text, ToolCall, ToolChoice, ToolSpec
from adapters.deltas import Finish, Reasoning, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import MalformedReply, UnsupportedContent

TEXTS = [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello!"), ("user", "How are you?")]
CHAT = tuple(Message(role, (Text(text),)) for role, text in TEXTS)
REQUEST = ChatRequest(CHAT, Sampling(max_tokens=64, temperature=0.5, top_p=0.9))


def stopping(*stops: str) -> ChatRequest:
    return ChatRequest(CHAT, Sampling(max_tokens=64, stop=stops))


@pytest.mark.parametrize("name", ["llama2", "llama3"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_request_is_the_golden_one(golden_body, name, stream):
    """The template is the family's, the limit is ``max_gen_len``, and nothing says ``stream``."""
    assert json.loads(golden_body(f"{name}/chat.request")) == json.loads(FAMILIES[name].encode(REQUEST, stream))


def test_stop_is_not_sent():
    """The model has no such field and refuses bodies with fields that it does not know."""
    assert {"prompt", "max_gen_len"} == set(json.loads(FAMILIES["llama3"].encode(stopping("END"), True)))


@pytest.mark.parametrize(
    ("name", "body", "deltas"),
    [
        ("llama2", "llama2/stop", [TextDelta(" Hello!"), Finish("stop", "stop"), Usage(17, 69)]),
        ("llama3", "llama3/length", [TextDelta("I am well, and"), Finish("length", "length"), Usage(17, 5)]),
    ],
)
def test_a_whole_reply(golden_body, name, body, deltas):
    """The body's own counts win over the headers'."""
    assert deltas == FAMILIES[name].decode(golden_body(f"{body}.reply"), REQUEST, Usage(1, 1, source="headers"))


@pytest.mark.parametrize(
    ("name", "chunks", "text", "usage"),
    [("llama2", "llama2/stop", " Hello!", Usage(17, 3)), ("llama3", "llama3/emoji", " I hear 👂", Usage(76, 83))],
)
def test_a_stream(golden_chunks, name, chunks, text, usage):
    """A late character loses nothing, an empty chunk adds nothing, and the cumulative count is the last one seen."""
    reader = FAMILIES[name].reader(REQUEST)
    deltas = [delta for chunk in golden_chunks(chunks) for delta in reader.read(chunk)] + reader.end()
    reply = assemble(deltas)

    assert text == reply.text
    assert Finish("stop", "stop") == reply.finish
    assert usage == reply.usage
    assert all(delta.text for delta in deltas if isinstance(delta, TextDelta))


def test_a_stop_string_cuts_the_stream(golden_chunks):
    """At the stop string the reply is whole for the caller: text before it, the tokens so far, and no more is read."""
    reader = FAMILIES["llama3"].reader(stopping("\n\n###"))
    read = [reader.read(chunk) for chunk in golden_chunks("llama3/runaway")]

    assert [TextDelta("Answer")] == read[0]
    assert [TextDelta(": 42")] == read[1]
    assert read[2:4] == [[], []]
    assert [Finish("stop", stop="\n\n###"), Usage(40, 5)] == read[4]
    assert reader.cut
    assert read[5:] == [[], []]
    assert reader.end() == []


def test_what_only_looked_like_a_stop_string_is_shown(golden_chunks):
    """A held tail leaves when the model ends without completing the stop string, before the reason is told."""
    reader = FAMILIES["llama3"].reader(stopping(" question: more and more"))
    deltas = [delta for chunk in golden_chunks("llama3/runaway") for delta in reader.read(chunk)]

    assert not reader.cut
    assert assemble(deltas).text == "Answer: 42\n\n### question: more"
    assert [TextDelta(" question: more"), Finish("length", "length"), Usage(40, 7)] == deltas[-3:]


def test_a_whole_reply_is_cut_too(golden_body):
    """Whole or streamed, the answer ends before the stop string; the tokens were spent all the same."""
    deltas = FAMILIES["llama3"].decode(golden_body("llama3/length.reply"), stopping(" well"), None)

    assert [TextDelta("I am"), Finish("stop", stop=" well"), Usage(17, 5)] == deltas


def test_an_old_import_may_answer_in_another_form(golden_body, golden_chunks):
    """The reply is asked for its shape: an import configured as Llama that speaks Mistral's is still understood."""
    llama = FAMILIES["llama3"]
    reader = llama.reader(REQUEST)
    streamed = assemble([delta for chunk in golden_chunks("imported/mistral") for delta in reader.read(chunk)])

    assert assemble(llama.decode(golden_body("imported/mistral.reply"), REQUEST, None)).text == " Hello!"
    assert streamed.text == " Hello!"
    assert Usage(5, 2, source="metrics") == streamed.usage


def test_nothing_is_told_after_the_reason():
    """Text behind the stop word is none of the answer's: the reason is the last word but for the count."""
    reader = FAMILIES["llama3"].reader(REQUEST)
    chunks = [b'{"generation":"Hi","stop_reason":"stop"}', b'{"generation":" you","stop_reason":"length"}']

    assert [[TextDelta("Hi"), Finish("stop", "stop")], []] == [reader.read(chunk) for chunk in chunks]
    assert reader.end() == []


def test_a_guardrail_is_a_content_filter():
    """The guardrail's word wins over the model's own."""
    chunk = b'{"generation":"No.","prompt_token_count":5.0,"generation_token_count":2.0,"stop_reason":"stop","amazon-bedrock-guardrailAction":"INTERVENED"}'
    reader = FAMILIES["llama2"].reader(REQUEST)

    assert [TextDelta("No."), Finish("content_filter", "INTERVENED")] == reader.read(chunk)
    assert [Usage(5, 2)] == reader.end()


@pytest.mark.parametrize("body", [b'{"generation":""}', b'{"generation":null,"stop_reason":"stop"}'])
def test_nothing_said_and_no_reason_is_no_reply(body):
    """An empty answer needs a reason; a missing one has no excuse."""
    with pytest.raises(MalformedReply):
        FAMILIES["llama3"].decode(body, REQUEST, None)


def test_an_empty_answer_with_a_reason_is_one():
    """A model may choose to say nothing."""
    body = b'{"generation":"","prompt_token_count":5,"generation_token_count":1,"stop_reason":"stop"}'

    assert [Finish("stop", "stop"), Usage(5, 1)] == FAMILIES["llama3"].decode(body, REQUEST, None)


WEATHER = ToolSpec(
    "get_weather",
    "The weather of a city",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
TOOLS = (WEATHER, ToolSpec("get_time", None, {"type": "object"}))
ASKED = ChatRequest((Message("user", (Text("Weather in Paris?"),)),), Sampling(max_tokens=64), tools=TOOLS)
LLAMA3 = FAMILIES["llama3"]


def streamed(chunks, request):
    reader = LLAMA3.reader(request)
    return [delta for chunk in chunks for delta in reader.read(chunk)] + reader.end()


def generation(text: str, reason: str = "stop") -> bytes:
    return json.dumps({"generation": text, "prompt_token_count": 5, "generation_token_count": 2, "stop_reason": reason}).encode()


def test_a_conversation_with_tools_is_the_golden_one(golden_body):
    """Definitions, a call and its result stand in the prompt; the body has no field for them."""
    request = ChatRequest(
        (
            Message("system", (Text("Be kind."),)), Message("user", (Text("Weather in Paris?"),)),
            Message("assistant", (), (ToolCall("call_1", "get_weather", '{"city": "Paris"}'),)),
            Message("tool", (Text('{"sky": "clear"}'),), tool_call_id="call_1"),
            Message("assistant", (Text("Clear."),)), Message("user", (Text("And in Rome?"),)),
        ),
        Sampling(max_tokens=64),
        tools=(WEATHER,),
    )  # fmt: skip

    assert json.loads(golden_body("llama3/tools.request")) == json.loads(LLAMA3.encode(request, False))


def test_an_image_is_the_golden_one(golden_body):
    """Base64 in ``images``, a mark in the prompt."""
    request = ChatRequest(
        (Message("user", (Image("image/png", "iVBORw0KGgo="), Text("What is this?"))),), Sampling(max_tokens=64)
    )

    assert json.loads(golden_body("llama3/image.request")) == json.loads(LLAMA3.encode(request, False))


def test_an_image_in_a_tools_result_is_refused_by_its_place():
    """A result is a text in the prompt; what would be lost is named."""
    picture = Message("tool", (Text("see"), Image("image/png", "iVBORw0KGgo=")), tool_call_id="c")
    request = ChatRequest((*ASKED.messages, Message("assistant", (), (ToolCall("c", "get_time", ""),)), picture))
    with pytest.raises(UnsupportedContent) as refused:
        LLAMA3.encode(request, False)

    assert refused.value.parameter == "messages[2].content[1]"


def test_calls_are_found_whole_and_streamed(golden_body, golden_chunks):
    """One call, the same ids, ``tool_calls``; nothing of it is shown as text."""
    whole = assemble(LLAMA3.decode(golden_body("llama3/tools.reply"), ASKED, None))
    stream = assemble(streamed(golden_chunks("llama3/tools"), ASKED))

    assert [(call.name, call.arguments) for call in whole.tool_calls] == [("get_weather", '{"city": "Paris"}')]
    assert whole.tool_calls == stream.tool_calls
    assert Finish("tool_calls", "stop") == whole.finish == stream.finish
    assert not whole.text
    assert not stream.text
    assert (whole.usage, stream.usage) == (Usage(211, 18), Usage(211, 17))


def test_pythonic_calls_are_found_too(golden_chunks):
    """Whatever the prompt asked for, both forms are understood."""
    calls = assemble(streamed(golden_chunks("llama3/pythonic"), ASKED)).tool_calls

    assert [(call.name, call.arguments) for call in calls] == [("get_weather", '{"city": "Paris"}'), ("get_time", "{}")]


def test_without_tools_the_same_text_is_text(golden_chunks):
    """Nobody offered the tool, so nobody called it."""
    reply = assemble(streamed(golden_chunks("llama3/tools"), REQUEST))

    assert reply.text == '{"name": "get_weather", "parameters": {"city": "Paris"}}'
    assert reply.finish == Finish("stop", "stop")


def test_an_imported_distillate_thinks_aloud(golden_chunks):
    """Thoughts come as such, piece by piece."""
    deltas = streamed(golden_chunks("llama3/thinking"), REQUEST)

    assert [Reasoning("They"), Reasoning(" greet"), Reasoning("."), TextDelta("Hello"), TextDelta("!")] == deltas[:5]
    assert Finish("stop", "stop") == deltas[5]


@pytest.mark.parametrize(
    ("choice", "beginning", "goes_on"),
    [
        (ToolChoice("named", "get_weather"), '{"name": "get_weather", "parameters":', ' {"city": "Paris"}}'),
        (ToolChoice("required"), '{"name": "', 'get_weather", "parameters": {"city": "Paris"}}'),
    ],
)
def test_a_demanded_call_is_begun_in_the_prompt(choice, beginning, goes_on):
    """The model can only go on with it; the call is whole for the caller."""
    request = ChatRequest(ASKED.messages, ASKED.sampling, TOOLS, choice)
    prompt = json.loads(LLAMA3.encode(request, False))["prompt"]
    reply = assemble(LLAMA3.decode(generation(goes_on), request, None))

    assert prompt.endswith(f"<|start_header_id|>assistant<|end_header_id|>\n\n{beginning}")
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("get_weather", '{"city": "Paris"}')]
    assert reply.finish == Finish("tool_calls", "stop")


def test_an_answer_to_a_schema_is_a_call_that_nobody_sees():
    """The hidden tool is begun in the prompt, and its arguments are the answer's text, whole and streamed."""
    schema = {"type": "object", "properties": {"sky": {"type": "string"}}}
    request = ChatRequest(ASKED.messages, ASKED.sampling, response_format=ResponseFormat("json_schema", "sky", schema))
    prompt = json.loads(LLAMA3.encode(request, False))["prompt"]
    said = generation(' {"sky": "clear"}}')

    assert prompt.endswith('{"name": "final_answer", "parameters":')
    for deltas in (LLAMA3.decode(said, request, None), streamed([said], request)):
        assert assemble(deltas).text == '{"sky": "clear"}'
        assert assemble(deltas).tool_calls == ()
        assert Finish("stop", "stop") == assemble(deltas).finish


def test_stop_ends_the_prose_around_calls():
    """Stop strings are looked for in what the caller reads, not in a call's arguments."""
    request = ChatRequest(ASKED.messages, Sampling(max_tokens=64, stop=("Paris",)), TOOLS)
    call = '{"name": "get_weather", "parameters": {"city": "Paris"}}'

    assert len(assemble(LLAMA3.decode(generation(call), request, None)).tool_calls) == 1
    assert assemble(LLAMA3.decode(generation("It rains in Paris."), request, None)).text == "It rains in "


FRAGMENTS = st.sampled_from([
    "Hi", " ", "\n", "<think>", "</think>", '{"name": "get_weather", "parameters": {"city": "Paris"}}', "; ", "[get_time()]",
    "<tool_call>", "</tool_call>", '{"name": "', "get_time", '", "parameters": {}}', "<|python_tag|>", "END", "EN", "D",
])  # fmt: skip


@given(text=st.lists(FRAGMENTS, min_size=1, max_size=8).map("".join), data=st.data())
def test_however_a_stream_is_cut_it_is_the_whole_reply(text, data):
    """Thoughts, calls, stop strings and prose together: chunks of any size say what one body says."""
    request = ChatRequest(ASKED.messages, Sampling(max_tokens=64, stop=("END",)), TOOLS)
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]
    chunks = [json.dumps({"generation": piece, "stop_reason": None}).encode() for piece in pieces]
    whole = assemble(LLAMA3.decode(generation(text), request, None))
    stream = assemble(streamed([*chunks, generation("")], request))

    assert replace(whole, usage=None) == replace(stream, usage=None)


def test_an_older_llama_has_no_tools():
    """Llama 2 was never taught to call, so it does not say that it can."""
    assert not {"tools", "tool_choice", "response_format", "images"} & set(FAMILIES["llama2"].accepts)
    assert FAMILIES["llama2"].emulates == {"stop"}
    assert LLAMA3.emulates == {"stop", "tools", "tool_choice", "parallel_tool_calls", "response_format"}
