"""Cohere Command against its golden bodies."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Message, Sampling, Text
from adapters.deltas import Finish, Logprobs, TokenLogprob, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import MalformedReply

COHERE = FAMILIES["cohere"]
PROMPT = ChatRequest(
    (Message("user", (Text("Write a tagline for a bakery."),)),),
    Sampling(max_tokens=100, temperature=0.5, top_p=0.75, stop=("--",)),
)
HEADERS = Usage(12, 9, source="headers")


def test_a_lone_prompt_is_the_golden_one(golden_body):
    """One user message is the prompt itself, without labels, and nothing says ``stream``."""
    assert json.loads(golden_body("cohere/prompt.request")) == json.loads(COHERE.encode(PROMPT, False))


def test_a_conversation_is_the_golden_one(golden_body):
    """Several turns are labelled, and a streamed body says so: else all would come in one chunk."""
    texts = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello!"), ("user", "A tagline for a bakery?")]
    request = ChatRequest(tuple(Message(role, (Text(text),)) for role, text in texts), Sampling(max_tokens=100))

    assert json.loads(golden_body("cohere/conversation.request")) == json.loads(COHERE.encode(request, True))


def test_a_whole_reply(golden_body):
    """The body counts nothing, so the headers do."""
    deltas = COHERE.decode(golden_body("cohere/complete.reply"), PROMPT, HEADERS)

    assert [TextDelta(" Bread worth waking for."), Finish("stop", "COMPLETE"), HEADERS] == deltas


def test_without_headers_there_is_no_usage(golden_body):
    """Nobody counted: no figure is made up here."""
    assert assemble(COHERE.decode(golden_body("cohere/complete.reply"), PROMPT, None)).usage is None


@pytest.mark.parametrize("chunks", ["one", "several"])
def test_a_stream(golden_chunks, chunks):
    """The last chunk repeats the whole answer and is not read twice; a whole body as the only chunk is read once."""
    reader = COHERE.reader(PROMPT)
    reply = assemble([delta for chunk in golden_chunks(f"cohere/{chunks}") for delta in reader.read(chunk)] + reader.end())

    assert reply.text == " Bread worth waking for."
    assert Finish("stop", "COMPLETE") == reply.finish
    assert Usage(12, 9, source="metrics") == reply.usage


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_likelihoods_come_with_a_whole_body(golden_body, stream):
    """Asked for, a stream comes in one chunk: Cohere's pieces have no place for them."""
    request = ChatRequest(PROMPT.messages, Sampling(max_tokens=100, logprobs=True))
    body = golden_body("cohere/likelihoods.reply")
    reader = COHERE.reader(request)
    deltas = [*reader.read(body), *reader.end()] if stream else COHERE.decode(body, request, None)

    assert json.loads(COHERE.encode(request, stream)) == {
        "prompt": "Write a tagline for a bakery.",
        "max_tokens": 100,
        "return_likelihoods": "GENERATION",
    }
    assert [
        TextDelta(" Bread worth"),
        Logprobs((TokenLogprob(" Bread", -1.2), TokenLogprob(" worth", -0.6))),
        Finish("length", "MAX_TOKENS"),
    ] == deltas


def test_a_failed_generation_is_no_reply(golden_body):
    """``ERROR`` with some text is a failure, not a short answer."""
    with pytest.raises(MalformedReply, match="ERROR"):
        COHERE.decode(golden_body("cohere/error.reply"), PROMPT, HEADERS)


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("MAX_TOKENS", Finish("length", "MAX_TOKENS")),
        ("ERROR_TOXIC", Finish("content_filter", "ERROR_TOXIC")),
        ("NEW_WORD", Finish("stop", "NEW_WORD", known=False)),
    ],
)
def test_stop_words(word, finish):
    """Each native word has its meaning; one that is not known ends the reply and is marked."""
    body = json.dumps({"generations": [{"text": "Bread", "finish_reason": word}]}).encode()

    assert finish == assemble(COHERE.decode(body, PROMPT, None)).finish


def test_a_stream_may_end_without_a_word():
    """``is_finished`` alone is an end; why is not said, so nothing is made up."""
    reader = COHERE.reader(PROMPT)

    assert [TextDelta("Bread")] == reader.read(b'{"text":"Bread","is_finished":false}')
    assert [Finish("stop", None)] == reader.read(b'{"is_finished":true}')
    assert reader.end() == []
