"""Where a request of Bedrock's protocol goes: the alias and the operation in its path. Answers nothing."""

from typing import NamedTuple
from urllib.parse import unquote

PREFIX = "/bedrock/"
_MODEL = b"model/"


class Place(NamedTuple):
    """What a path says.

    Attributes:
        alias: Decoded once, as AWS does with the one label that ``modelId`` is.
        operation: The last segment, whether or not there is such an operation.
    """

    alias: str
    operation: str


def place_of(raw_path: bytes) -> Place | None:
    """Read ``/bedrock/model/{alias}/{operation}``; ``None`` for a path of another form.

    SDKs encode an alias's ``/`` and ``:``, people do not: both are read, and so are slashes too many, which SDKs fold
    before they sign.

    Args:
        raw_path: As it was sent, percent-encoding and all.
    """
    head, _, operation = raw_path.rstrip(b"/").rpartition(b"/")
    rest = head[len(PREFIX) :].lstrip(b"/")
    label = rest[len(_MODEL) :].strip(b"/")
    if not rest.startswith(_MODEL) or not label:
        return None
    return Place(unquote(label.decode("latin-1")), operation.decode("latin-1"))
