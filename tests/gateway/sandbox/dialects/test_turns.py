"""What Bedrock demands of turns made of blocks: refused in its words, with the place where it names one."""

import re
from typing import Any

import pytest

from gateway.sandbox.dialects import turns
from gateway.sandbox.dialects.dialect import Json
from gateway.sandbox.errors import AwsError

HI = {"role": "user", "content": [{"text": "Hi"}]}
YES = {"role": "assistant", "content": [{"text": "Yes"}]}
TOOLS = {"toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}]}}


def user(*blocks: Json) -> Json:
    return {"role": "user", "content": list(blocks)}


def calling(*ids: str) -> Json:
    return {"role": "assistant", "content": [{"toolUse": {"toolUseId": one, "name": "f", "input": {}}} for one in ids]}


def result(call_id: str, **fields: Any) -> Json:
    return {"toolResult": {"toolUseId": call_id, "content": [{"text": "1"}], **fields}}


def document(name: str) -> Json:
    return {"document": {"format": "pdf", "name": name, "source": {"bytes": "JVBERi0xLjQ="}}}


WELL_FORMED = {
    "one turn": {"messages": [HI]},
    "a turn to be carried on": {"messages": [HI, YES]},
    "parallel calls": {"messages": [HI, calling("a", "b"), user(result("b"), result("a"), {"text": "Well?"})], **TOOLS},
    "a silent result": {"messages": [HI, calling("a"), user(result("a", content=[]))], **TOOLS},
    "documents": {"messages": [user(document("A (1) [b]-c"), document("A"), {"text": "Compare"})]},
}


@pytest.mark.parametrize("body", WELL_FORMED.values(), ids=WELL_FORMED)
def test_what_is_well_formed(body: Json) -> None:
    """Nothing is said of it."""
    turns.check(body)


ILL_FORMED = {
    "the assistant first": ({"messages": [YES]}, "A conversation must start with a user message."),
    "one role twice": ({"messages": [HI, HI]}, "A conversation must alternate between user and assistant roles."),
    "blank text": (
        {"messages": [HI, YES, user({"text": "a"}, {"text": " \n"})]},
        "The text field in the ContentBlock object at messages.2.content.1 is blank. Add text",
    ),
    "a blank system": ({"messages": [HI], "system": [{"text": ""}]}, "object at system.0 is blank"),
    "a document alone": ({"messages": [user(document("A"))]}, "A text block must be included when using documents."),
    "a document's name": ({"messages": [user(document("a.pdf"), {"text": "?"})]}, "can only contain alphanumeric"),
    "blanks in a name": ({"messages": [user(document("a  b"), {"text": "?"})]}, "more than one consecutive whitespace"),
    "a name twice": (
        {"messages": [user(document("A"), {"text": "?"}), YES, user(document("a"), {"text": "?"})]},
        "Messages can't contain duplicate document names.",
    ),
    "calls without tools": (
        {"messages": [HI, calling("a"), user(result("a"))]},
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
    ),
    "a call without a result": (
        {"messages": [HI, calling("a", "b"), user(result("a"))], **TOOLS},
        "Expected toolResult blocks at messages.2.content for the following Ids: b",
    ),
    "a result without a call": (
        {"messages": [user({"text": "a"}, result("a"))], **TOOLS},
        "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previous turn.",
    ),
    "a silent failure": (
        {"messages": [HI, calling("a"), user(result("a", content=[], status="error"))], **TOOLS},
        "The content field at messages.2.content.0.toolResult cannot be empty when status value is error.",
    ),
}


@pytest.mark.parametrize(("body", "words"), ILL_FORMED.values(), ids=ILL_FORMED)
def test_what_is_ill_formed(body: Json, words: str) -> None:
    """A ``ValidationException``."""
    with pytest.raises(AwsError, match=re.escape(words)) as caught:
        turns.check(body)

    assert caught.value.name == "ValidationException"
