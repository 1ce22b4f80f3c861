"""Token counts when the upstream gives none. Always marked as an estimate; never used to bill what is known."""

from typing import Any

import msgspec

from adapters.chat import ChatRequest, Text

CHARACTERS_PER_TOKEN = 4  # English prose under current tokenizers; other scripts use fewer characters per token
TOKENS_PER_IMAGE = 1_600  # the order of magnitude that vision models charge for a full-size image
LONGEST_WORD = 1_024  # what is longer and has no space in it is no text, but an image or a document in base64
TOKENS_PER_TURN = 4  # role markers around each message


def tokens_of(characters: int) -> int:
    """Estimate the tokens of so many characters; zero only for none."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def prompt_tokens(request: ChatRequest) -> int:
    """Estimate the tokens of a whole prompt: text, images, turns."""
    total = 0
    for message in request.messages:
        characters = sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
        for part in message.parts:
            if isinstance(part, Text):
                characters += len(part.text)
            else:
                total += TOKENS_PER_IMAGE
        total += TOKENS_PER_TURN + tokens_of(characters)
    return total


def body_tokens(body: bytes) -> int:
    """Estimate the tokens of a native body, of whatever family: what its texts hold, wherever they stand."""
    try:
        layer: list[Any] = [msgspec.json.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return tokens_of(len(body))
    total = 0
    while layer:
        node = layer.pop()
        if isinstance(node, str):
            total += TOKENS_PER_IMAGE if len(node) > LONGEST_WORD and " " not in node else tokens_of(len(node))
        elif isinstance(node, dict):
            layer += node.values()
        elif isinstance(node, list):
            layer += node
    return total
