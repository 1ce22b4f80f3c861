"""Counts where nobody gives any: of the right order, and never nothing for something."""

import json

import pytest

from adapters import chat
from gateway.usage.estimate import TOKENS_PER_IMAGE, TOKENS_PER_TURN, body_tokens, prompt_tokens, tokens_of

BODIES = {
    "a prompt": ({"inputText": "x" * 40, "textGenerationConfig": {"maxTokenCount": 5}}, 10),
    "turns": ({"system": "x" * 8, "messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 8}]}]}, 2 + 2 + 1 + 1),
    "an image": ({"images": ["A" * 100_000], "prompt": "x" * 4}, TOKENS_PER_IMAGE + 1),
    "a long text": ({"prompt": "word " * 1000}, 1250),
    "nothing said": ({"n": 1, "b": None}, 0),
}


@pytest.mark.parametrize(("body", "tokens"), BODIES.values(), ids=BODIES.keys())
def test_a_native_body(body: object, tokens: int) -> None:
    """Its texts count wherever they stand; what is no text counts as an image."""
    assert body_tokens(json.dumps(body).encode()) == tokens


@pytest.mark.parametrize("body", [b"\xff" * 8, b"{" * 8, b"[" * 100_000])
def test_what_is_no_json(body: bytes) -> None:
    """It counts by its length."""
    assert body_tokens(body) == tokens_of(len(body))


PARTS: dict[str, tuple[chat.Part, int]] = {
    "text": (chat.Text("a" * 9), 3),
    "an image": (chat.Image("image/png", "a" * 9_000), TOKENS_PER_IMAGE),
    "a text's text": (chat.Document("text/plain", "a" * 400), 100),
    "a small PDF": (chat.Document("application/pdf", "aaaa"), TOKENS_PER_IMAGE),
    "a large PDF": (chat.Document("application/pdf", "a" * 16_000), 3_000),
    "a thought": (chat.Reasoning("a" * 40, "seal" * 100), 10),
    "a redacted thought": (chat.Reasoning(redacted="a" * 40), 10),
    "a cache point": (chat.CachePoint(), 0),
}


@pytest.mark.parametrize(("part", "tokens"), PARTS.values(), ids=PARTS.keys())
def test_parts(part: chat.Part, tokens: int) -> None:
    """Each kind of content by what the model reads of it, not by its bytes."""
    assert prompt_tokens(chat.ChatRequest((chat.Message("user", (part,)),))) == tokens + TOKENS_PER_TURN


def test_tools() -> None:
    """What is offered is part of the prompt."""
    tool = chat.ToolSpec("name", "a" * 34, {})

    assert prompt_tokens(chat.ChatRequest((), tools=(tool,))) == TOKENS_PER_TURN + 10
