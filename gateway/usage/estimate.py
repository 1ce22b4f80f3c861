"""Token counts when the upstream gives none. Always marked as an estimate; never used to bill what is known."""

from typing import Any

import msgspec

from adapters.chat import ChatRequest, Document, Image, Part, Reasoning, Text, ToolSpec

CHARACTERS_PER_TOKEN = 4  # English prose under current tokenizers; other scripts use fewer characters per token
TOKENS_PER_IMAGE = 1_600  # the order of magnitude that vision models charge for a full-size image
LONGEST_WORD = 1_024  # what is longer and has no space in it is no text, but an image or a document in base64
TOKENS_PER_TURN = 4  # role markers around each message


def tokens_of(characters: int) -> int:
    """Estimate the tokens of so many characters; zero only for none."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def prompt_tokens(request: ChatRequest) -> int:
    """Estimate the tokens of a whole prompt: text, images, documents, earlier thoughts and calls, tools, turns."""
    total = sum(_tool_tokens(tool) for tool in request.tools)
    for message in request.messages:
        characters = sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
        for part in message.parts:
            if isinstance(part, Text):
                characters += len(part.text)
            else:
                total += _part_tokens(part)
        total += TOKENS_PER_TURN + tokens_of(characters)
    return total


def _part_tokens(part: Part) -> int:
    """Of what is not plain text. A document in base64 holds three bytes in four characters, and words among them."""
    match part:
        case Image():
            return TOKENS_PER_IMAGE
        case Document() if part.media_type == "text/plain":
            return tokens_of(len(part.data))
        case Document():
            return max(TOKENS_PER_IMAGE, tokens_of(len(part.data) * 3 // 4))
        case Reasoning():
            return tokens_of(len(part.text) or len(part.redacted or ""))
    return 0  # a cache point


def _tool_tokens(tool: ToolSpec) -> int:
    described = len(tool.name) + len(tool.description or "") + len(msgspec.json.encode(tool.parameters))
    return TOKENS_PER_TURN + tokens_of(described)


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
