"""What travels the path: one caller's request, from its first byte to its record."""

import asyncio
from collections.abc import Hashable
from math import inf

from msgspec import Struct, field

from adapters.chat import ChatRequest
from adapters.deltas import Delta
from adapters.embeddings import EmbeddingRequest
from gateway.keys.model import Key


class Checked:
    """What a guardrail has said of a call's requests, so that it is asked once about each.

    Attributes:
        lock: Held while it is asked.
        requests: What may go to the model, or the answer that stands in its place.
    """

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.requests: dict[Hashable, ChatRequest | list[Delta]] = {}


class Trail(Struct):
    """What the path has learned about a call so far: the reply's ``x-quarry-*`` headers and the record's facts.

    Attributes:
        target: The target that answers, or was asked last; empty before the first attempt.
        attempts: How many were made, over all targets. With several choices, the most that one of them needed.
        ignored: Parameters that were dropped, to be named in ``x-quarry-ignored-parameters``.
        cold_start_seconds: How long the request was held for a cold model.
        templates: By target, the digest of the model's own chat template that wrote its prompt; ``None``: none did.
        auth_seconds, translate_seconds: Our own share, for ``server-timing``.
        checked: Of a model with a guardrail that is applied around the call.
        passed_on: The upstream's headers that a relayed reply keeps.
    """

    target: str = ""
    attempts: int = 0
    ignored: tuple[str, ...] = ()
    cold_start_seconds: float = 0.0
    templates: dict[str, str] | None = None
    checked: Checked | None = None
    auth_seconds: float = 0.0
    translate_seconds: float = 0.0
    passed_on: tuple[tuple[bytes, bytes], ...] = ()


class Call(Struct):
    """One request on its way. Made by a surface, read by every room of the path.

    Attributes:
        id: ``x-request-id``: the caller's when it was well formed, else ours.
        choices: OpenAI's ``n``: how many independent answers are wanted.
        variants: What each choice asks, where they do not all ask the same: one for every choice, and ``request`` is the first.
        include_usage: Whether a streaming caller asked for the usage chunk.
        received_at: Monotonic seconds.
        deadline: Monotonic seconds; unbounded until the route's own total is known.
        embedding: What is asked instead of ``request``, where vectors are wanted.
        notes: What the surface wants to remember of the request until it writes the reply; no room of the path reads it.
    """

    id: str
    key: Key
    alias: str
    request: ChatRequest
    received_at: float
    stream: bool = False
    choices: int = 1
    include_usage: bool = False
    deadline: float = inf
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    trail: Trail = field(default_factory=Trail)
    variants: tuple[ChatRequest, ...] = ()
    embedding: EmbeddingRequest | None = None
    notes: object = None

    def asked(self, choice: int) -> ChatRequest:
        """What this choice asks."""
        return self.variants[choice] if self.variants else self.request
