"""Requests in content blocks: what is brought into order, what is told as text, what is refused."""

import json
import re
from typing import Any

import msgspec
import pytest

from adapters import blocks
from adapters.chat import CachePoint, ChatRequest, Document, Image, Message, Sampling, Text, ToolCall, ToolChoice, ToolSpec
from adapters.errors import UnsupportedContent

CLOCK = ToolSpec("clock", None, {})
LONG_ID = "chatcmpl-tool-" + "0123456789abcdef" * 5


def say(role: Any, *texts: str, **fields: Any) -> Message:
    return Message(role, tuple(Text(text) for text in texts), **fields)


HI = say("user", "Hi")
CALLED = say("assistant", tool_calls=(ToolCall("call_1", "clock", '{"zone": "WET"}'),))
ANSWERED = say("tool", "6:40", tool_call_id="call_1")


def body_of(*messages: Message, **fields: Any) -> dict[str, Any]:
    request = ChatRequest(messages, Sampling(max_tokens=9), **fields)
    return json.loads(msgspec.json.encode(blocks.body(request, stops=())))


def contents_of(*messages: Message, **fields: Any) -> list[Any]:
    return [turn["content"] for turn in body_of(*messages, **fields)["messages"]]


def test_what_is_not_said_is_not_sent():
    """Nothing but the turn and its limit: no empty list, no null."""
    assert body_of(HI) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {"maxTokens": 9}}


def test_blank_text_is_no_block():
    """Bedrock refuses blank text anywhere, the system's included."""
    body = body_of(say("system", " "), say("user", "", "Hi", "\n"), say("assistant", " "), say("user", "there"))

    assert "system" not in body
    assert body["messages"] == [{"role": "user", "content": [{"text": "Hi"}, {"text": "there"}]}]


def test_a_turn_to_be_carried_on_ends_without_white_space():
    """A prefilled answer is sent, trimmed at its end."""
    assert contents_of(HI, say("assistant", "The answer is "))[-1] == [{"text": "The answer is"}]


@pytest.mark.parametrize(
    ("choice", "native"),
    [
        (None, None),
        (ToolChoice("auto"), {"auto": {}}),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("named", "clock"), {"tool": {"name": "clock"}}),
    ],
    ids=["unsaid", "auto", "required", "named"],
)
def test_a_choice_of_tool(choice: ToolChoice | None, native: Any):
    """Each of OpenAI's modes in Bedrock's word."""
    assert body_of(HI, tools=(CLOCK,), tool_choice=choice)["toolConfig"].get("toolChoice") == native


@pytest.mark.parametrize(
    "fields", [{}, {"tools": (CLOCK,), "tool_choice": ToolChoice("none")}], ids=["no tools", "a choice of none"]
)
def test_calls_that_may_not_be_repeated_are_told_as_text(fields: dict[str, Any]):
    """Bedrock wants tools defined beside their blocks, and defined tools may be called: so neither is sent."""
    body = body_of(HI, CALLED, ANSWERED, say("tool", "late", tool_call_id="call_2", is_error=True), **fields)

    assert "toolConfig" not in body
    assert [turn["content"] for turn in body["messages"][1:]] == [
        [{"text": '[Called clock, call_1: {"zone": "WET"}]'}],
        [
            {"text": "[call_1 answered:"},
            {"text": "6:40"},
            {"text": "]"},
            {"text": "[call_2 failed:"},
            {"text": "late"},
            {"text": "]"},
        ],
    ]


@pytest.mark.parametrize("call_id", ["call.2:b", LONG_ID, "", "é", "x" * 65], ids=["dots", "long", "empty", "accent", "65"])
def test_an_id_and_its_answer_are_changed_alike(call_id: str):
    """Ids that Bedrock's pattern refuses become ones that it takes; different ones stay different."""
    contents = contents_of(
        HI,
        say("assistant", tool_calls=(ToolCall(call_id, "clock", ""), ToolCall(call_id + "9", "clock", ""))),
        say("tool", "6:40", tool_call_id=call_id),
        tools=(CLOCK,),
    )

    ids = [block["toolUse"]["toolUseId"] for block in contents[1]]
    assert contents[2][0]["toolResult"]["toolUseId"] == ids[0]
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", made) for made in ids)


@pytest.mark.parametrize(
    ("is_error", "result"),
    [(False, {"content": []}), (True, {"content": [{"text": "error"}], "status": "error"})],
    ids=["silent", "failed silently"],
)
def test_an_answer_without_a_word(is_error: bool, result: dict[str, Any]):
    """A tool may have nothing to say; a failed one must say something, or Bedrock refuses the whole request."""
    (block,) = contents_of(HI, CALLED, say("tool", "", tool_call_id="call_1", is_error=is_error), tools=(CLOCK,))[2]

    assert block == {"toolResult": {"toolUseId": "call_1", **result}}


def test_documents_have_names_of_their_own():
    """Titles lose what Bedrock's alphabet lacks, and no name comes twice."""
    titles = ["Q3 report (final).pdf", "Q3 report (final) pdf", "été_2026.pdf", None, "¡!", "x" * 300]
    documents = [Document("application/pdf", "JVBERi0xLjQ=", title) for title in titles]
    (content,) = contents_of(Message("user", (*documents, Text("Compare them"))))

    names = [block["document"]["name"] for block in content if "document" in block]
    assert names[:5] == ["Q3 report (final) pdf", "Q3 report (final) pdf (2)", "t 2026 pdf", "document", "document (2)"]
    assert len(names[5]) <= 200


REFUSED = {
    "the assistant first": ((say("assistant", "Hi"),), "messages[0]"),
    "an empty turn": ((HI, say("assistant", "Yes"), say("user", " ")), "messages[2]"),
    "a cache point alone": ((Message("user", (CachePoint(),)),), "messages[0]"),
    "the system alone": ((say("system", "Be brief."),), "messages"),
    "an answer to nobody": ((HI, say("tool", "6:40")), "messages[1].tool_call_id"),
    "arguments of no object": (
        (HI, say("assistant", tool_calls=(ToolCall("a", "clock", "[1]"),))),
        "messages[1].tool_calls[0].function.arguments",
    ),
    "a document without a word": ((Message("user", (Document("application/pdf", "JVBERi0xLjQ="),)),), "messages"),
    "a document of another kind": (
        (Message("user", (Text("Listen"), Document("audio/wav", "UklGRg=="))),),
        "messages[0].content[1]",
    ),
}


@pytest.mark.parametrize(("messages", "place"), REFUSED.values(), ids=REFUSED)
def test_what_blocks_cannot_hold_is_refused_by_its_place(messages: tuple[Message, ...], place: str):
    """The caller reads which turn to change, in the spelling of its own request."""
    with pytest.raises(UnsupportedContent) as refused:
        body_of(*messages, tools=(CLOCK,))

    assert refused.value.parameter == place
    assert place.partition(".tool_call_id")[0] in str(refused.value)


def test_an_image_alone_is_a_turn():
    """Only documents want a text beside them."""
    assert contents_of(Message("user", (Image("image/gif", "R0lGODlh"),))) == [
        [{"image": {"format": "gif", "source": {"bytes": "R0lGODlh"}}}]
    ]


def test_calls_as_text_have_to_be_calls():
    """Arguments that are no object are refused in text, too: what one request refuses, the next does not let through."""
    with pytest.raises(UnsupportedContent):
        body_of(HI, say("assistant", tool_calls=(ToolCall("a", "clock", "{"),)))
