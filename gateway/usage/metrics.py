"""Prometheus metrics. Labels come from the configuration alone, never from a caller's text.

Children are looked up once per label set and kept: ``labels()`` on the hot path costs more than counting does.
"""

from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_PER_TOKEN = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0)
_OVERHEAD = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

NAMES = frozenset(
    {
        "quarry_requests_total",
        "quarry_request_duration_seconds",
        "quarry_time_to_first_token_seconds",
        "quarry_time_per_output_token_seconds",
        "quarry_overhead_seconds",
        "quarry_tokens_total",
        "quarry_upstream_errors_total",
        "quarry_in_flight_requests",
        "quarry_unmapped_finish_reasons_total",
    }
)
"""Every metric of ours; docs, dashboard and alerts are tested against it."""

Metric = TypeVar("Metric", Counter, Gauge, Histogram)


class Children(dict[tuple[str, ...], Metric]):
    """A metric's children by label values; a missing one is made on first use."""

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self._metric: Metric = metric

    def __missing__(self, labels: tuple[str, ...]) -> Metric:
        child: Metric = self._metric.labels(*labels)
        self[labels] = child
        return child


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second sample per counter and histogram, which nobody graphs
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Children(
            Counter("quarry_requests_total", "Requests ended, by outcome.", ("model", "target", "outcome"), registry=registry)
        )
        self.duration = Children(
            Histogram(
                "quarry_request_duration_seconds",
                "From a request's arrival to its last byte.",
                ("model",),
                buckets=_SECONDS,
                registry=registry,
            )
        )
        self.ttft = Children(
            Histogram(
                "quarry_time_to_first_token_seconds",
                "From a request's arrival to its first text or tool delta; streams only.",
                ("model",),
                buckets=_SECONDS,
                registry=registry,
            )
        )
        self.tpot = Children(
            Histogram(
                "quarry_time_per_output_token_seconds",
                "(duration - time to first token) / (output tokens - 1); streams only.",
                ("model",),
                buckets=_PER_TOKEN,
                registry=registry,
            )
        )
        self.overhead = Children(
            Histogram(
                "quarry_overhead_seconds",
                "The gateway's own time: duration minus waiting on Bedrock and on cold models.",
                ("model",),
                buckets=_OVERHEAD,
                registry=registry,
            )
        )
        self.tokens = Children(
            Counter("quarry_tokens_total", "Tokens, by direction.", ("model", "target", "direction"), registry=registry)
        )
        self.upstream_errors = Children(
            Counter("quarry_upstream_errors_total", "Failed attempts, by error.", ("target", "error"), registry=registry)
        )
        self.in_flight = Children(Gauge("quarry_in_flight_requests", "Attempts now under way.", ("target",), registry=registry))
        self.unmapped_finish = Children(
            Counter(
                "quarry_unmapped_finish_reasons_total",
                "Replies that ended with a word no table knows, shown to the caller as stop.",
                ("target",),
                registry=registry,
            )
        )

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
