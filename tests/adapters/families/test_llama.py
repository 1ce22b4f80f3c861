"""Llama 2 and 3 against their golden bodies."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Message, Sampling, Text
from adapters.deltas import Finish, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import MalformedReply

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
    assert [Finish("stop", None), Usage(40, 5)] == read[4]
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

    assert [TextDelta("I am"), Finish("stop", None), Usage(17, 5)] == deltas


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

    assert [TextDelta("No."), Finish("content_filter", "stop")] == reader.read(chunk)
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
