"""What travels the path: one caller's request, from its first byte to its record."""

from msgspec import Struct

from adapters.chat import ChatRequest
from gateway.keys.model import Key


class Call(Struct):
    """One request on its way. Made by a surface, read by every room of the path.

    Attributes:
        id: ``x-request-id``: the caller's when it was well formed, else ours.
        choices: OpenAI's ``n``: how many independent answers are wanted.
        include_usage: Whether a streaming caller asked for the usage chunk.
        received_at: Monotonic seconds.
        deadline: Monotonic seconds; ``None`` until the route's own total is known.
    """

    id: str
    key: Key
    alias: str
    request: ChatRequest
    received_at: float
    stream: bool = False
    choices: int = 1
    include_usage: bool = False
    deadline: float | None = None
