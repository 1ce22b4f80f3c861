"""A thought of the model's into the ``encrypted_content`` of a reasoning item, and back.

OpenAI keeps such a thought secret; Bedrock's families seal it with a signature, and want text and seal back together. So it is
packed, not encrypted: a caller can read what it was shown anyway, and cannot change it, since the family checks its seal.
"""

import binascii

import msgspec

from adapters import chat
from adapters.deltas import Thought
from gateway.errors import InvalidRequest

MARK = "quarry-thought-1."
"""What each begins with: another provider's, or a later form of ours, is told apart from a damaged one."""

_decode = msgspec.json.Decoder(Thought).decode


def packed(thought: Thought) -> str:
    """The thought as one opaque text."""
    return MARK + binascii.b2a_base64(msgspec.json.encode(thought), newline=False).decode()


def unpacked(content: str, where: str) -> chat.Reasoning:
    """The thought in it.

    Raises:
        InvalidRequest: It was not made here, or has been damaged.
    """
    if not content.startswith(MARK):
        raise InvalidRequest(f"{where} was not made by this gateway: leave the item out", parameter=where)
    try:
        thought = _decode(binascii.a2b_base64(content.removeprefix(MARK), strict_mode=True))
    except (msgspec.DecodeError, ValueError) as error:  # binascii.Error and UnicodeDecodeError are ValueErrors
        raise InvalidRequest(f"{where} is damaged: send it as it was received", parameter=where) from error
    return chat.Reasoning(thought.text, thought.signature, thought.redacted)
