"""Command R's replies, whole and streamed, against golden ones."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Message, Sampling, Text
from adapters.deltas import AssembledCall, Finish, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import MalformedReply

FAMILY = FAMILIES["cohere_chat"]
HI = ChatRequest((Message("user", (Text("Hi"),)),), Sampling(max_tokens=100))
HEADERS = Usage(12, 9, source="headers")
WEATHER = AssembledCall("call_1a2b3c4d5e6f4a7b8c9d0e1f_0", "get_weather", '{"city":"Lisbon"}')


def read(chunks):
    reader = FAMILY.reader(HI)
    return assemble([delta for chunk in chunks for delta in reader.read(chunk)] + reader.end())


def test_a_whole_reply(golden_body):
    """The body counts nothing, so the headers do; the echoed history is not told."""
    deltas = FAMILY.decode(golden_body("cohere_chat/text.reply"), HI, HEADERS)

    assert [TextDelta("Bread worth waking for."), Finish("stop", "COMPLETE"), HEADERS] == deltas


def test_a_whole_reply_with_a_call(golden_body):
    """``COMPLETE`` is said of calls too; the id that Command R does not give is made of the reply's own."""
    reply = assemble(FAMILY.decode(golden_body("cohere_chat/tools.reply"), HI, HEADERS))

    assert reply.text == "I will look it up."
    assert reply.tool_calls == (WEATHER,)
    assert reply.finish == Finish("tool_calls", "COMPLETE")


@pytest.mark.parametrize(("counts", "usage"), [(None, Usage(74, 9)), (HEADERS, HEADERS)], ids=["no headers", "headers"])
def test_coheres_own_count_stands_in(golden_body, counts, usage):
    """The tokens that the model saw, not the ones it bills; Bedrock's own count is the stronger. Citations are not told."""
    reply = assemble(FAMILY.decode(golden_body("cohere_chat/cited.reply"), HI, counts))

    assert (reply.text, reply.finish, reply.usage) == ("Bread worth waking for.", Finish("length", "MAX_TOKENS"), usage)


def test_a_stream(golden_chunks):
    """The end repeats the whole answer and is not read twice; metrics count, not what is billed."""
    reply = read(golden_chunks("cohere_chat/text"))

    assert reply.text == "Bread worth waking for."
    assert reply.finish == Finish("stop", "COMPLETE")
    assert reply.usage == Usage(12, 9, source="metrics")


@pytest.mark.parametrize("chunks", ["tools", "tool_deltas"])
def test_a_stream_with_a_call(golden_chunks, chunks):
    """Told whole or in pieces, and again at the end: the plan is text, the call is one call, its id the whole reply's."""
    reply = read(golden_chunks(f"cohere_chat/{chunks}"))

    assert reply.text == "I will look it up."
    assert reply.tool_calls == (WEATHER,)
    assert reply.finish == Finish("tool_calls", "COMPLETE")


def test_a_whole_body_as_the_only_chunk_is_read_once(golden_body):
    """Older Cohere models on Bedrock stream so when they are not asked for pieces."""
    body = json.loads(golden_body("cohere_chat/tools.reply"))

    assert read([json.dumps(body).encode()]).tool_calls == (WEATHER,)


def test_what_only_the_end_tells_is_told():
    """A stream without pieces is still an answer."""
    end = {"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE"}
    reply = read(
        [
            json.dumps(
                end | {"response": {"text": "Bread", "meta": {"billed_units": {"input_tokens": 3, "output_tokens": 1}}}}
            ).encode()
        ]
    )

    assert (reply.text, reply.finish, reply.usage) == ("Bread", Finish("stop", "COMPLETE"), Usage(3, 1))


def test_calls_in_pieces_are_told_apart_by_their_index():
    """Two calls, their pieces one after the other."""
    pieces = [
        {"index": 0, "name": "f"},
        {"index": 0, "parameters": '{"a":'},
        {"index": 0, "parameters": "1}"},
        {"index": 1, "name": "g"},
        {"index": 1, "parameters": "{}"},
    ]
    chunks = [json.dumps({"event_type": "tool-calls-chunk", "tool_call_delta": piece}).encode() for piece in pieces]
    reply = read([*chunks, b'{"event_type":"stream-end","finish_reason":"COMPLETE"}'])

    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [
        ("call_0", "f", '{"a":1}'),
        ("call_1", "g", "{}"),
    ]


@pytest.mark.parametrize("case", [str.upper, str.lower], ids=["as on the wire", "as on AWS's page"])
@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("COMPLETE", Finish("stop", "COMPLETE")),
        ("STOP_SEQUENCE", Finish("stop", "STOP_SEQUENCE")),
        ("MAX_TOKENS", Finish("length", "MAX_TOKENS")),
        ("ERROR_LIMIT", Finish("length", "ERROR_LIMIT")),
        ("ERROR_TOXIC", Finish("content_filter", "ERROR_TOXIC")),
        ("NEW_WORD", Finish("stop", "NEW_WORD", known=False)),
    ],
)
def test_stop_words(word, finish, case):
    """Each native word has its meaning, in either case; one that is not known ends the reply and is marked."""
    whole = json.dumps({"text": "Bread", "finish_reason": case(word)}).encode()
    end = json.dumps({"event_type": "stream-end", "finish_reason": case(word), "response": {"text": "Bread"}}).encode()

    assert finish == assemble(FAMILY.decode(whole, HI, None)).finish
    assert finish == read([end]).finish


@pytest.mark.parametrize("word", ["ERROR", "USER_CANCEL"])
def test_a_failed_generation_is_no_reply(word):
    """With some text it is a failure still, not a short answer."""
    with pytest.raises(MalformedReply, match=word):
        FAMILY.decode(json.dumps({"text": "Bread", "finish_reason": word}).encode(), HI, HEADERS)


def test_an_end_without_a_word_is_an_end():
    """Why is not said, so nothing is made up."""
    reply = read([b'{"event_type":"text-generation","text":"Bread"}', b'{"event_type":"stream-end","is_finished":true}'])

    assert (reply.text, reply.finish) == ("Bread", Finish("stop", None))


def test_events_that_are_not_of_the_answer_say_nothing():
    """Searches and citations, and whatever comes to be, pass unread."""
    kinds = ["stream-start", "citation-generation", "search-queries-generation", "search-results", "brand-new"]
    reader = FAMILY.reader(HI)

    assert [reader.read(json.dumps({"event_type": kind, "text": "no"}).encode()) for kind in kinds] == [[]] * 5


def test_arguments_that_are_no_object_are_a_broken_reply():
    """Nobody could call a function with them; none at all are an empty object."""
    body = {"text": "", "finish_reason": "COMPLETE", "tool_calls": [{"name": "f", "parameters": None}]}
    reply = assemble(FAMILY.decode(json.dumps(body).encode(), HI, None))
    with pytest.raises(MalformedReply, match="no object"):
        FAMILY.decode(json.dumps(body | {"tool_calls": [{"name": "f", "parameters": [1]}]}).encode(), HI, None)

    assert reply.tool_calls == (AssembledCall("call_0", "f", "{}"),)
