"""The sums, judged by prometheus-client's own parser and its own histogram."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from gateway.usage.metrics import LABELS, OVERHEAD, PER_TOKEN, SECONDS, Distribution, Metrics


@settings(deadline=None)
@given(values=st.lists(st.floats(0, 1000) | st.sampled_from(SECONDS), max_size=50))
def test_a_distribution_counts_as_prometheus_does(values: list[float]) -> None:
    """Bucket by bucket, also for values that stand on a bound."""
    ours = Distribution(SECONDS)
    registry = CollectorRegistry()
    theirs = Histogram("seconds", "About.", buckets=SECONDS, registry=registry)
    for value in values:
        ours.observe(value)
        theirs.observe(value)

    assert [count for _, count in ours.buckets()] == [
        registry.get_sample_value("seconds_bucket", {"le": bound}) for bound, _ in ours.buckets()
    ]
    assert ours.total == pytest.approx(registry.get_sample_value("seconds_sum"))


def test_the_exposition_is_read_back_whole() -> None:
    """Names, types, labels and sums survive the text format, whatever stands in a label."""
    metrics = Metrics()
    route = metrics.route('odd"alias\\', "target\n")
    route.requests["complete"] += 2
    route.input_tokens += 7
    route.model.ttft.observe(0.2)
    metrics.in_flight["t"] += 1
    metrics.upstream_errors["t", "throttled"] += 1
    metrics.unmapped_finish["t"] += 1

    families = {family.name: family for family in text_string_to_metric_families(metrics.exposition().decode())}

    assert {name.removesuffix("_total") for name in LABELS} <= families.keys()
    (sample,) = families["quarry_requests"].samples
    assert sample.labels == {"model": 'odd"alias\\', "target": "target\n", "outcome": "complete"}
    assert sample.value == 2
    for name, labels in LABELS.items():
        for sample in families[name.removesuffix("_total")].samples:
            assert set(sample.labels) - {"le"} == set(labels)


def test_bounds_rise() -> None:
    """A bound out of order would make a bucket that nothing falls into."""
    for bounds in (SECONDS, PER_TOKEN, OVERHEAD):
        assert list(bounds) == sorted(set(bounds))
