"""Prometheus metrics. Labels come from the configuration alone, never from a caller's text.

Counting is plain arithmetic on the event loop's own thread; prometheus-client asks for the sums when it is scraped. Its own
counters take a lock each: docs/decisions/0005-own-sums.md.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway.usage.record import Outcome

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
PER_TOKEN = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0)
OVERHEAD = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

# Name, what it says, labels. Attributes of the tallies below bear the same words.
REQUESTS = ("quarry_requests", "Requests ended, by outcome.", ("model", "target", "outcome"))
TOKENS = ("quarry_tokens", "Tokens, by direction.", ("model", "target", "direction"))
UPSTREAM_ERRORS = ("quarry_upstream_errors", "Failed attempts, by error.", ("target", "error"))
UNMAPPED = (
    "quarry_unmapped_finish_reasons",
    "Replies that ended with a word no table knows, shown to the caller as stop.",
    ("target",),
)
INTERVENTIONS = (
    "quarry_guardrail_interventions",
    "Requests in which a guardrail blocked or masked something, by where.",
    ("model", "source"),
)
IN_FLIGHT = ("quarry_in_flight_requests", "Attempts now under way.", ("target",))
STATE = ("quarry_target_state", "1 for the state that AWS says an identified target is in.", ("target", "state"))
DISTRIBUTIONS = {
    "duration": ("quarry_request_duration_seconds", "From a request's arrival to its last byte."),
    "ttft": ("quarry_time_to_first_token_seconds", "From a request's arrival to its first text or tool delta; streams only."),
    "tpot": (
        "quarry_time_per_output_token_seconds",
        "(duration - time to first token) / (output tokens - 1); streams only.",
    ),
    "overhead": ("quarry_overhead_seconds", "The gateway's own time: duration minus waiting on Bedrock and on cold models."),
}

LABELS: dict[str, tuple[str, ...]] = {
    **{f"{name}_total": labels for name, _, labels in (REQUESTS, TOKENS, UPSTREAM_ERRORS, UNMAPPED, INTERVENTIONS)},
    **{name: ("model",) for name, _ in DISTRIBUTIONS.values()},
    IN_FLIGHT[0]: IN_FLIGHT[2],
    STATE[0]: STATE[2],
}
"""Every metric of ours with its labels; docs, dashboard and alerts are tested against it."""

NAMES = frozenset(LABELS)


class Distribution:
    """How often values fell between bounds; the last count is of those above them all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value; one that equals a bound belongs below it, as Prometheus wants."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Bounds with the number of values up to each."""
        names = [*map(floatToGoString, self.bounds), "+Inf"]
        return list(zip(names, map(float, accumulate(self.counts)), strict=True))


class ModelTally:
    """What is told of a model, whoever answers for it."""

    __slots__ = ("duration", "overhead", "tpot", "ttft")

    def __init__(self) -> None:
        self.duration = Distribution(SECONDS)
        self.ttft = Distribution(SECONDS)
        self.tpot = Distribution(PER_TOKEN)
        self.overhead = Distribution(OVERHEAD)


class RouteTally:
    """What is told of a model and the target that answered for it; the target is ``""`` when none did."""

    __slots__ = ("input_tokens", "model", "output_tokens", "requests")

    def __init__(self, model: ModelTally) -> None:
        self.model = model
        self.requests: dict[Outcome, int] = defaultdict(int)
        self.input_tokens = 0
        self.output_tokens = 0


class Metrics(Collector):
    """The metrics of one process: sums to add to, and their exposition.

    Attributes:
        target_states: Target to state, for those that AWS was asked about.
    """

    def __init__(self) -> None:
        self.in_flight: dict[str, int] = defaultdict(int)
        self.upstream_errors: dict[tuple[str, str], int] = defaultdict(int)
        self.unmapped_finish: dict[str, int] = defaultdict(int)
        self.interventions: dict[tuple[str, str], int] = defaultdict(int)
        self.target_states: dict[str, str] = {}
        self._models: dict[str, ModelTally] = {}
        self._routes: dict[tuple[str, str], RouteTally] = {}
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def route(self, model: str, target: str) -> RouteTally:
        """The sums of one model and target; both are names of the configuration, so there is a bounded number."""
        tally = self._routes.get((model, target))
        if tally is None:
            of_model = self._models.setdefault(model, ModelTally())
            tally = self._routes[model, target] = RouteTally(of_model)
        return tally

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """The sums of the moment; prometheus-client's call."""
        routes = self._routes.items()
        yield _counter(REQUESTS, {(*route, outcome): n for route, tally in routes for outcome, n in tally.requests.items()})
        yield _counter(
            TOKENS,
            {(*route, "input"): tally.input_tokens for route, tally in routes}
            | {(*route, "output"): tally.output_tokens for route, tally in routes},
        )
        yield _counter(UPSTREAM_ERRORS, self.upstream_errors)
        yield _counter(UNMAPPED, {(target,): count for target, count in self.unmapped_finish.items()})
        yield _counter(INTERVENTIONS, self.interventions)
        yield _gauge(IN_FLIGHT, {(target,): count for target, count in self.in_flight.items()})
        yield _gauge(STATE, dict.fromkeys(self.target_states.items(), 1))
        for attribute, (name, about) in DISTRIBUTIONS.items():
            yield _histogram(name, about, ((model, getattr(tally, attribute)) for model, tally in self._models.items()))


def _counter(about: tuple[str, str, tuple[str, ...]], counts: Mapping[Any, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(about[0], about[1], labels=about[2])
    for labels, count in counts.items():
        family.add_metric(labels, count)
    return family


def _gauge(about: tuple[str, str, tuple[str, ...]], values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(about[0], about[1], labels=about[2])
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(name: str, about: str, found: Iterable[tuple[str, Distribution]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, about, labels=("model",))
    for model, distribution in found:
        family.add_metric([model], distribution.buckets(), distribution.total)
    return family
