"""The seals that Claude puts on its thoughts, and by which it knows them again. Deterministic: the same thought, the same seal."""

import base64
import binascii
import hashlib

# Anthropic's documentation names a text that makes Claude hide what it thinks, so that callers can try it.
HIDES_THOUGHTS = (
    "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9A13E193C177646C7398A98432ECCCE4C1253D5E2D82641AC0E52CC2876CB"
)
_SECRET = b"sandbox"


def seal(thought: str) -> str:
    """The signature of a thought."""
    return base64.b64encode(_SECRET + hashlib.sha256(_SECRET + thought.encode()).digest()).decode()


def is_sealed(thought: str, signature: str) -> bool:
    """Whether the signature is that of the thought."""
    return signature == seal(thought)


def redacted(thought: str) -> str:
    """A thought that only the sandbox can read."""
    hidden = thought.encode()
    return base64.b64encode(hashlib.sha256(_SECRET + hidden).digest() + hidden[::-1]).decode()


def is_redacted(data: str) -> bool:
    """Whether the sandbox has hidden a thought in there."""
    try:
        raw = base64.b64decode(data, validate=True)
    except binascii.Error:
        return False
    return hashlib.sha256(_SECRET + raw[32:][::-1]).digest() == raw[:32]
