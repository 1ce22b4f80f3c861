"""Watches one request go by and writes down what happened: one record, whatever its end.

The meter is opened with the request's first byte and closed once, by whoever ends it. Closing never waits, so it also
happens when the caller has gone.
"""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from adapters.deltas import Delta, Finish, Reasoning, Text, ToolCallArguments, ToolCallStart, Usage
from adapters.errors import MalformedReply, RequestRefused
from gateway.call import Call
from gateway.errors import GatewayError, InvalidRequest
from gateway.registry.model import Route, Target
from gateway.usage import estimate
from gateway.usage.logs import Log, place_of
from gateway.usage.metrics import Metrics
from gateway.usage.record import Outcome, Record

UNKNOWN = "unknown"  # the label of a model that the configuration does not name
NOTHING = Usage(0, 0)

# Native words with which a model's own filter ends a reply. Every other content_filter is a guardrail's inside the call.
FILTERED = frozenset({"CONTENT_FILTERED", "ERROR_TOXIC", "refusal", "content_filtered", "content_filter"})
INLINE = "inline"  # Bedrock does not say which side it was


class Meter:
    """The meter of one request.

    Attributes:
        request_id: What the caller is told, and the log says.
        call: Set once the request has been understood; a request refused before that has none.
    """

    def __init__(self, metrics: Metrics, log: Log, request_id: str, received_at: float) -> None:
        self.call: Call | None = None
        self._metrics = metrics
        self._log = log
        self.request_id = request_id
        self._received_at = received_at
        self._model = UNKNOWN
        self._first_content_at: float | None = None
        self._characters: dict[int, int] = {}
        self._usage: dict[int, Usage] = {}
        self._finish: dict[int, Finish] = {}
        self._watches: dict[int, Watch] = {}
        self._interventions: tuple[str, ...] = ()
        self._closed = False

    def routed(self, route: Route) -> None:
        """The alias is one of ours: from here it may be a label."""
        self._model = route.alias

    def attempt(self, choice: int, target: Target, number: int) -> "Watch":
        """Watch one attempt, the ``number``-th for this choice: a context manager around everything it does."""
        if self.call is not None:
            trail = self.call.trail
            trail.target = target.name
            trail.attempts = max(trail.attempts, number)
        watch = self._watches[choice] = Watch(self._metrics, target.name, self._watches.get(choice))
        return watch

    @property
    def upstream_seconds(self) -> float:
        """Time spent waiting on Bedrock so far. Several choices wait at once: the longest counts."""
        longest = 0.0
        for watch in self._watches.values():
            longest = max(longest, watch.waited_seconds)
        return longest

    def observe(self, choice: int, deltas: Sequence[Delta]) -> None:
        """Take note of deltas on their way to the caller."""
        characters = 0
        for delta in deltas:
            if isinstance(delta, Text):
                characters += len(delta.text)
            elif isinstance(delta, ToolCallArguments):
                characters += len(delta.arguments)
            elif isinstance(delta, Reasoning):
                characters += len(delta.text)
            elif isinstance(delta, ToolCallStart):
                characters += len(delta.name)
            elif isinstance(delta, Usage):
                self._usage[choice] = delta
            elif isinstance(delta, Finish):
                self._finish[choice] = delta
        if characters:
            self._characters[choice] = self._characters.get(choice, 0) + characters
            if self._first_content_at is None:
                self._first_content_at = time.monotonic()

    def intervened(self, source: str) -> None:
        """A guardrail blocked or masked something; each place counts once a request."""
        if source not in self._interventions:
            self._interventions += (source,)

    def estimated_usage(self, choice: int) -> Usage | None:
        """The usage to report for a choice that ended without the upstream's own counts; ``None`` when it had them."""
        if choice in self._usage or self.call is None:
            return None
        return self._estimate(choice, self.call)

    def close(self, outcome: Outcome, *, status: int, error: BaseException | None = None) -> None:
        """Write the record and count it. The first close is the one that counts.

        Args:
            outcome: How it ended.
            status: What the caller was sent, or would have been.
            error: What ended it, if anything did. One that is not of our own making is a bug: its place is logged.
        """
        if self._closed:
            return
        self._closed = True
        for finish in self._finish.values():
            if finish.reason == "content_filter" and not self._interventions and finish.native not in FILTERED:
                self.intervened(INLINE)
        ended_at = time.monotonic()
        record = self._record(outcome, status, error, ended_at)
        self._count(record)
        self._log.request(record)

    def _record(self, outcome: Outcome, status: int, error: BaseException | None, ended_at: float) -> Record:
        duration = ended_at - self._received_at
        call = self.call
        if call is None:
            return Record(
                time=time.time(),
                event="request",
                request_id=self.request_id,
                outcome=outcome,
                status=status,
                duration_seconds=round(duration, 6),
                error=_word(error),
                detail=_detail(error),
            )
        trail, key, usage = call.trail, call.key, self._total(call)
        first = self._first_content_at
        ours = duration - self.upstream_seconds - trail.cold_start_seconds
        return Record(
            time=time.time(),
            event="request",
            request_id=self.request_id,
            outcome=outcome,
            status=status,
            duration_seconds=round(duration, 6),
            model=self._model,
            key=key.id,
            owner=key.owner,
            target=trail.target or None,
            attempts=trail.attempts,
            stream=call.stream,
            choices=call.choices,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            usage_source=usage.source if usage is not NOTHING else None,
            finish_reasons=tuple([finish.native or finish.reason for finish in self._finish.values()]),
            ttft_seconds=round(first - self._received_at, 6) if first is not None and call.stream else None,
            overhead_seconds=round(ours, 6) if ours > 0 else 0.0,
            cold_start_seconds=round(trail.cold_start_seconds, 3),
            ignored_parameters=trail.ignored,
            guardrail=self._interventions,
            template=trail.templates.get(trail.target) if trail.templates is not None else None,
            error=_word(error),
            detail=_detail(error),
        )

    def _total(self, call: Call) -> Usage:
        """The usage of all choices together; estimated for one that spoke and was cut before its counts came."""
        usage = self._usage.get(0)
        if call.choices == 1 and usage is not None:
            return usage
        total = NOTHING
        for choice in range(call.choices):
            usage = self._usage.get(choice)
            if usage is None and choice in self._characters:
                usage = self._estimate(choice, call)
            if usage is not None:
                total = summed(total, usage)
        return total

    def _estimate(self, choice: int, call: Call) -> Usage:
        return Usage(
            input_tokens=estimate.body_tokens(call.body) if call.body else estimate.prompt_tokens(call.asked(choice)),
            output_tokens=estimate.tokens_of(self._characters.get(choice, 0)),
            source="estimate",
        )

    def _count(self, record: Record) -> None:
        target = record.target or ""
        route = self._metrics.route(self._model, target)
        model = route.model
        route.requests[record.outcome] += 1
        route.input_tokens += record.input_tokens
        route.output_tokens += record.output_tokens
        model.duration.observe(record.duration_seconds)
        if record.overhead_seconds is not None:
            model.overhead.observe(record.overhead_seconds)
        if record.ttft_seconds is not None:
            model.ttft.observe(record.ttft_seconds)
            if record.output_tokens > 1 and record.outcome == "complete":
                model.tpot.observe((record.duration_seconds - record.ttft_seconds) / (record.output_tokens - 1))
        for source in record.guardrail:
            self._metrics.interventions[self._model, source] += 1
        for finish in self._finish.values():
            if not finish.known:
                self._metrics.unmapped_finish[target] += 1


class Waiting(Protocol):
    """Something that knows how long it has waited on Bedrock."""

    @property
    def waited_seconds(self) -> float: ...


class Watch:
    """One attempt under the meter's eyes: in flight, how long it waits on Bedrock, and whether it failed.

    Attributes:
        exchange: Set once there is one: its waiting is the upstream's time, not ours.
    """

    __slots__ = ("_before", "_metrics", "_target", "exchange")

    def __init__(self, metrics: Metrics, target: str, previous: "Watch | None") -> None:
        self.exchange: Waiting | None = None
        self._metrics = metrics
        self._target = target
        self._before = previous.waited_seconds if previous is not None else 0.0

    @property
    def waited_seconds(self) -> float:
        """Waited so far, earlier attempts of the same choice included."""
        return self._before + (self.exchange.waited_seconds if self.exchange is not None else 0.0)

    def __enter__(self) -> Self:
        self._metrics.in_flight[self._target] += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._metrics.in_flight[self._target] -= 1
        if isinstance(error, GatewayError | MalformedReply):
            self._metrics.upstream_errors[self._target, str(_word(error))] += 1


def _word(error: BaseException | None) -> str | None:
    """The metric's word for an error: a closed set."""
    match error:
        case None:
            return None
        case GatewayError():
            return error.word
        case MalformedReply():
            return "malformed"
        case RequestRefused():
            return InvalidRequest.word
        case _:
            return GatewayError.word


def _detail(error: BaseException | None) -> str | None:
    """What an operator needs to know and a caller must not: the upstream's words, or the place of a bug."""
    match error:
        case GatewayError():
            return error.detail
        case None | RequestRefused():
            return None
        case MalformedReply():
            return str(error)
        case _:
            return place_of(error)


def summed(one: Usage, other: Usage) -> Usage:
    """Two usages as one; an estimate in either makes the sum an estimate."""
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cache_read_tokens=one.cache_read_tokens + other.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens + other.cache_write_tokens,
        source="estimate" if one.source == "estimate" else other.source,
    )
