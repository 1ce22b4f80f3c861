"""What one native chunk says, in nobody's dialect, and the reader that turns such pieces into deltas.

Families whose reply is one run of text share it: a family only says how its JSON becomes a ``Piece`` and what its
stop words mean. A whole reply is a single piece, so a whole reply and a stream cannot come to differ.
It must never know the name of a field in any native body, Bedrock's own two apart.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from adapters.deltas import (
    Delta,
    Finish,
    FinishReason,
    Logprobs,
    Reasoning,
    Text,
    TokenLogprob,
    ToolCallArguments,
    ToolCallStart,
    Usage,
)
from adapters.errors import MalformedReply

Words = Mapping[str, FinishReason | None]
"""A family's stop words in OpenAI's; ``None`` marks a word that means failure."""

INTERVENED = "INTERVENED"
GUARDED = frozenset({INTERVENED, "guardrail_intervened"})
"""A guardrail's native words."""


class Metrics(Struct, frozen=True, rename="camel"):
    """``amazon-bedrock-invocationMetrics``: Bedrock's own count, in the last chunk of a stream.

    Floats, because a guardrail turns every integer of a body into ``28.0``.
    """

    input_token_count: float | None = None
    output_token_count: float | None = None
    cache_read_input_token_count: float | None = None
    cache_write_input_token_count: float | None = None


class Envelope(Struct, frozen=True):
    """The two fields that Bedrock adds to a native body of any family."""

    metrics: Metrics | None = field(default=None, name="amazon-bedrock-invocationMetrics")
    guardrail: str | None = field(default=None, name="amazon-bedrock-guardrailAction")


class CallPiece(Struct, frozen=True):
    """Some of a tool call. ``index`` is the upstream's own; ``id`` and ``name`` may come only once."""

    index: float
    id: str | None
    name: str | None
    arguments: str | None


class Piece(Struct, frozen=True):
    """What one chunk, or one whole body, says.

    Attributes:
        text: More of the answer; ``""`` when the place for an answer is there but empty, ``None`` when there is none.
        reason: The native stop word; ``""`` when the reply says that it has ended but not why.
        input_tokens, output_tokens: Counts in the body itself. The last one seen holds.
    """

    text: str | None = None
    reasoning: str | None = None
    calls: Sequence[CallPiece] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    reason: str | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    cache_read_tokens: float = 0
    metrics: Metrics | None = None
    guardrail: str | None = None


SILENCE = Piece()


def finish(native: str | None, words: Words, *, has_calls: bool, blocked: bool) -> Finish:
    """Say why a reply ended.

    A guardrail's intervention wins over the model's own word. ``tool_calls`` is never said of a reply without one:
    clients index the first call.

    Raises:
        MalformedReply: The word is the family's own for a failed generation.
    """
    if blocked:
        return Finish("content_filter", native if native in GUARDED else INTERVENED)
    if not native:
        return Finish("stop", None)
    if native not in words:
        return Finish("stop", native, known=False)
    reason = words[native]
    if reason is None:
        raise MalformedReply(f'the model ended its reply with "{native}"')
    if reason == "tool_calls" and not has_calls:
        reason = "stop"
    return Finish(reason, native)


def metered(metrics: Metrics | None) -> Usage | None:
    """The usage that Bedrock's metrics state, or ``None`` when they do not state both counts."""
    if metrics is None or metrics.input_token_count is None or metrics.output_token_count is None:
        return None
    cache_read = int(metrics.cache_read_input_token_count or 0)
    cache_write = int(metrics.cache_write_input_token_count or 0)
    return Usage(
        int(metrics.input_token_count) + cache_read + cache_write,
        int(metrics.output_token_count),
        cache_read,
        cache_write,
        "metrics",
    )


class PieceReader:
    """Reads one reply, piece by piece. Nothing is told after its ``Finish`` but the ``Usage``."""

    __slots__ = (
        "_blocked",
        "_cache_read",
        "_calls",
        "_empty",
        "_finished",
        "_input",
        "_metrics",
        "_opened",
        "_output",
        "_parse",
        "_seen",
        "_settled",
        "_words",
        "cut",
    )

    def __init__(self, parse: Callable[[bytes], Piece], words: Words) -> None:
        self.cut = False
        self._parse = parse
        self._words = words
        self._calls: dict[float, tuple[int, str | None]] = {}
        self._opened = 0
        self._empty: set[int] = set()
        self._input: float | None = None
        self._output: float | None = None
        self._cache_read: float = 0
        self._metrics: Metrics | None = None
        self._blocked = False
        self._seen = False
        self._finished = False
        self._settled = False

    def read(self, chunk: bytes) -> list[Delta]:
        """Read one chunk; see ``adapters.family.Reader``."""
        return self.take(self._parse(chunk))

    def take(self, piece: Piece) -> list[Delta]:
        """The deltas of one piece, in the order in which a caller should see them."""
        deltas: list[Delta] = []
        self._note(piece)
        if not self._finished:
            self._tell(piece, deltas)
        if piece.metrics is not None and self._finished:
            self._settle(deltas)
        return deltas

    def end(self) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        deltas: list[Delta] = []
        if not self._finished:
            # A blocked Titan stream names no reason; Bedrock's metrics, or the guardrail's word, are its only end.
            if not (self._blocked or (self._metrics is not None and self._seen)):
                raise MalformedReply("the reply ended without saying that it was finished")
            self._finish("", deltas)
        self._settle(deltas)
        return deltas

    def whole(self, piece: Piece, counts: Usage | None) -> list[Delta]:
        """The deltas of a reply that came in one body.

        A body is complete by being a body, so a missing reason is no fault; a missing answer is. An empty answer is one
        when the model says that it ended so.

        Args:
            counts: Token counts from the headers, for a body that has none.
        """
        spoken = piece.text or piece.reasoning or piece.calls
        if not spoken and (piece.text is None or (piece.reason is None and piece.guardrail != INTERVENED)):
            raise MalformedReply("the reply holds no answer")
        deltas = self.take(piece)
        if not self._finished:
            self._finish("", deltas)
        self._settle(deltas, counts)
        return deltas

    def counted(self) -> Usage | None:
        """What has been consumed so far; see ``adapters.stopping.Counting``."""
        if self._input is not None and self._output is not None:
            return Usage(int(self._input), int(self._output), int(self._cache_read))
        return metered(self._metrics)

    def _tell(self, piece: Piece, deltas: list[Delta]) -> None:
        if piece.reasoning:
            deltas.append(Reasoning(piece.reasoning))
        if piece.text:
            deltas.append(Text(piece.text))
        for call in piece.calls:
            self._call(call, deltas)
        if piece.logprobs:
            deltas.append(Logprobs(piece.logprobs))
        if piece.reason is not None:
            self._finish(piece.reason, deltas)

    def _note(self, piece: Piece) -> None:
        if piece.text is not None:
            self._seen = True
        if piece.input_tokens is not None:
            self._input = piece.input_tokens
            self._cache_read = piece.cache_read_tokens
        if piece.output_tokens is not None:
            self._output = piece.output_tokens
        if piece.metrics is not None:
            self._metrics = piece.metrics
        if piece.guardrail == INTERVENED:
            self._blocked = True

    def _call(self, call: CallPiece, deltas: list[Delta]) -> None:
        known = self._calls.get(call.index)
        if known is None or (call.id and known[1] and call.id != known[1]):
            known = self._open_call(call, deltas)
        if call.arguments:
            self._empty.discard(known[0])
            deltas.append(ToolCallArguments(known[0], call.arguments))

    def _open_call(self, call: CallPiece, deltas: list[Delta]) -> tuple[int, str | None]:
        if not call.name:
            raise MalformedReply("a tool call began without a name")
        index = self._opened
        self._opened += 1
        self._calls[call.index] = known = (index, call.id)
        self._empty.add(index)
        deltas.append(ToolCallStart(index, call.id or f"call_{index}", call.name))
        return known

    def _finish(self, native: str, deltas: list[Delta]) -> None:
        end = finish(native, self._words, has_calls=bool(self._calls), blocked=self._blocked)
        if end.reason != "length":
            deltas.extend(ToolCallArguments(index, "{}") for index in sorted(self._empty))
        self._finished = True
        deltas.append(end)

    def _settle(self, deltas: list[Delta], counts: Usage | None = None) -> None:
        if self._settled:
            return
        usage = self.counted() or counts
        if usage is not None:
            self._settled = True
            deltas.append(usage)
