"""Titan Text against its golden bodies."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Message, Sampling, Text
from adapters.deltas import Finish, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import MalformedReply

TITAN = FAMILIES["titan"]
HI = ChatRequest((Message("user", (Text("Hi"),)),), Sampling(max_tokens=128))


def read(chunks, request=HI):
    reader = TITAN.reader(request)
    return [delta for chunk in chunks for delta in reader.read(chunk)] + reader.end()


def test_a_request_is_the_golden_one(golden_body):
    """Roles become labels, knobs their native names; of the stop strings only those that Titan takes are sent."""
    request = ChatRequest(
        (
            Message("system", (Text("Answer in one sentence."),)),
            Message("user", (Text("Hi"),)),
            Message("assistant", (Text("Hello! How can I help?"),)),
            Message("user", (Text("What is Bedrock?"),)),
        ),
        Sampling(max_tokens=128, temperature=0.0, top_p=0.9, stop=("|", "User:", "###", "x|", "|x", "User: ")),
    )

    assert json.loads(golden_body("titan/chat.request")) == json.loads(TITAN.encode(request, True))


@pytest.mark.parametrize(("body", "reason", "tokens"), [("finish", "FINISH", 23), ("length", "LENGTH", 5)])
def test_a_whole_reply(golden_body, body, reason, tokens):
    """Text to the letter, the reason in OpenAI's word with the native one kept, and the body's own counts."""
    deltas = TITAN.decode(golden_body(f"titan/{body}.reply"), HI, Usage(1, 1, source="headers"))

    assert deltas[0].text.startswith("\nHello!")
    assert Finish({"FINISH": "stop", "LENGTH": "length"}[reason], reason) == deltas[1]
    assert Usage(9, tokens) == deltas[2]


@pytest.mark.parametrize("chunks", ["one", "several"])
def test_a_stream(golden_chunks, chunks):
    """One chunk or several: the same answer, reason and counts."""
    reply = assemble(read(golden_chunks(f"titan/{chunks}")))

    assert reply.text == " Hello, how can I help you today?"
    assert Finish("stop", "FINISH") == reply.finish
    assert Usage(72, 11) == reply.usage


def test_a_guardrail_is_a_content_filter(golden_body, golden_chunks):
    """A blocked answer names no reason, counts in floats, and is still a whole reply."""
    expected = [TextDelta("Sorry, I cannot answer that."), Finish("content_filter", "INTERVENED"), Usage(28, 3)]

    assert expected == read(golden_chunks("titan/guardrail"))
    assert expected == TITAN.decode(golden_body("titan/guardrail.reply"), HI, None)


def test_stop_strings_that_titan_refuses_are_honoured_here(golden_chunks, golden_body):
    """Lite and Express take only bars and ``User:``; any other stop string ends the answer all the same."""
    request = ChatRequest(HI.messages, Sampling(max_tokens=128, stop=(" help",)))

    reader = TITAN.reader(request)
    first, second, third = (reader.read(chunk) for chunk in golden_chunks("titan/several"))
    whole = assemble(TITAN.decode(golden_body("titan/finish.reply"), request, None))

    assert [TextDelta(" Hello,")] == first
    assert [TextDelta(" how can I"), Finish("stop", stop=" help")] == second
    assert reader.cut
    assert [] == third == reader.end()
    assert whole.text == "\nHello! How can I"
    assert Usage(9, 23) == whole.usage


@pytest.mark.parametrize(
    "body", [b'{"inputTextTokenCount":9,"results":[]}', b'{"results":[{"outputText":null}]}', b"[]", b'{"results":3}']
)
def test_no_result_is_no_reply(body):
    """A 200 without an answer is the model's fault, never an empty success."""
    with pytest.raises(MalformedReply):
        TITAN.decode(body, HI, Usage(9, 0, source="headers"))
