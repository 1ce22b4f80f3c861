"""Counts where nobody gives any: of the right order, and never nothing for something."""

import json

import pytest

from gateway.usage.estimate import TOKENS_PER_IMAGE, body_tokens, tokens_of

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
