"""What a guardrail is shown of a request, where long texts are cut, and how masked texts find their places."""

import pytest

from adapters.chat import CachePoint, ChatRequest, Document, Image, Message, Text
from gateway.guardrails.content import batches, boundary, images, rewritten, sliced, texts

PICTURE = Image("image/png", "aGk=")
REQUEST = ChatRequest(
    messages=(
        Message("system", (Text("rules"),)),
        Message("user", (Text("one"), PICTURE, CachePoint(), Document("text/plain", "two", "title"))),
        Message("assistant", (Text("said"),)),
        Message("tool", (Text("three"),), tool_call_id="a"),
    ),
    variables={"place": "four"},
)


def test_what_is_shown() -> None:
    """What users, tools and variables say; not what the application or the model says."""
    assert sorted(texts(REQUEST)) == ["four", "one", "three", "two"]
    assert images(REQUEST) == [PICTURE]


def test_masked_texts_find_their_places() -> None:
    """Everything else stays where it was."""
    masked = rewritten(REQUEST, [text.upper() for text in texts(REQUEST)])

    assert masked.messages[1].parts == (Text("ONE"), PICTURE, CachePoint(), Document("text/plain", "TWO", "title"))
    assert (masked.messages[0], masked.messages[2]) == (REQUEST.messages[0], REQUEST.messages[2])
    assert (masked.messages[3].text, masked.variables) == ("THREE", {"place": "FOUR"})


def test_a_prompt_is_one_text() -> None:
    """What it was written from is not looked at again."""
    request = ChatRequest(messages=REQUEST.messages, prompt="all of it")

    assert texts(request) == ["all of it"]
    assert rewritten(request, ["masked"]).prompt == "masked"


CUTS = {
    "a sentence": ("One is here. Two is not", "One is here. "),
    "a quoted one": ('He said "no." Then he', 'He said "no." '),
    "a line": ("a line here\nand", "a line here\n"),
    "no point inside a number": ("It costs 12.5 euro", "It costs 12.5 "),
    "no point inside an address": ("to ann@example.com or", "to ann@example.com "),
    "a full-width mark": ("\u4f60\u597d\u5417\uff1f\u6211", "\u4f60\u597d\u5417\uff1f"),
    "a sentence that ends too early": ("No. This goes on and on and o", "No. This goes on and on and "),
    "one long word": ("a" * 20, "a" * 20),
    "a space too early": ("a " + "b" * 20, "a " + "b" * 20),
}


@pytest.mark.parametrize(("text", "piece"), CUTS.values(), ids=CUTS.keys())
def test_where_a_text_is_cut(text: str, piece: str) -> None:
    """Behind a sentence, else a word, unless that leaves less than half."""
    assert text[: boundary(text)] == piece


def test_slices_are_the_text() -> None:
    """None is too long, and nothing is lost."""
    text = " ".join(f"Sentence {number} is here." for number in range(300))
    slices = sliced(text, 100)

    assert "".join(slices) == text
    assert max(map(len, slices)) <= 100
    assert all(piece.endswith((". ", ".")) for piece in slices)


def test_batches_hold_what_fits() -> None:
    """In order, and as few as can be without looking ahead."""
    assert list(batches(["aaa", "bb", "c", "dddd", "e"], 5)) == [["aaa", "bb"], ["c", "dddd"], ["e"]]
    assert list(batches([])) == []
