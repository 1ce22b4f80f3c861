"""Dashboard and alerts speak of exactly the metrics that the gateway has."""

import json
import re
from itertools import combinations
from typing import get_args

import pytest
import yaml

from deploy.check import ROOT, expressions
from gateway.errors import GatewayError
from gateway.usage.metrics import LABELS, NAMES, OVERHEAD, SECONDS
from gateway.usage.record import Outcome

DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/quarry.json").read_text())
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
ALERT_TESTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts_test.yaml").read_text())["tests"]
QUERIES = [*expressions(DASHBOARD), *(rule["expr"] for rule in RULES)]


def metrics_in(queries) -> set[str]:
    """Names of our metrics, without what a histogram appends to its own."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for query in queries for name in re.findall(r"\bquarry_\w+", query)}


def test_dashboard_shows_every_metric():
    """No panel asks for a metric that does not exist, and no metric is without a panel."""
    assert metrics_in(expressions(DASHBOARD)) == NAMES


def test_alerts_use_existing_metrics():
    """An alert over a metric that nobody writes would never fire."""
    assert metrics_in(rule["expr"] for rule in RULES) <= NAMES


@pytest.mark.parametrize("query", QUERIES)
def test_labels_exist(query):
    """Every label that is selected or grouped by is a label of every metric in the query."""
    used = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', query))
    used |= {label.strip() for group in re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", query) for label in group.split(",")}

    for metric in metrics_in([query]):
        assert used - {"le"} <= set(LABELS[metric])


def test_label_values_exist():
    """Outcomes and error words that a query selects are words that the gateway writes."""
    words = {"outcome": set(get_args(Outcome)), "error": {error.word for error in descendants(GatewayError)}}

    for label, values in re.findall(r'\b(outcome|error)=~?"([^"]*)"', "\n".join(QUERIES)):
        assert set(values.split("|")) <= words[label]


def descendants(error: type[GatewayError]) -> set[type[GatewayError]]:
    """A class and everything below it."""
    return {error}.union(*(descendants(below) for below in error.__subclasses__()))


def test_every_alert_is_seen_to_fire():
    """Each alert has a test in which it fires; a promise nobody has seen kept is none."""
    fired = {case["alertname"] for test in ALERT_TESTS for case in test["alert_rule_test"] if case.get("exp_alerts")}

    assert {rule["alert"] for rule in RULES} == fired


def test_latency_thresholds_are_bucket_bounds():
    """A threshold between two buckets is compared with an interpolated guess; ours stand on a bound."""
    assert 10.0 in SECONDS
    assert 0.1 in OVERHEAD


def test_panels_lie_side_by_side():
    """Panels have ids of their own, stay inside Grafana's 24 columns and do not cover each other."""
    panels = DASHBOARD["panels"]
    grids = [panel["gridPos"] for panel in panels]

    assert len(panels) == len({panel["id"] for panel in panels})
    assert all(grid["x"] + grid["w"] <= 24 for grid in grids)
    assert not [(a, b) for a, b in combinations(grids, 2) if overlaps(a, b)]


def overlaps(a: dict[str, int], b: dict[str, int]) -> bool:
    """Whether two rectangles share a cell."""
    return (
        a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]
    )  # fmt: skip


def test_panels_explain_themselves():
    """Every panel with a query has a title, a unit and a description."""
    for panel in DASHBOARD["panels"]:
        if panel["type"] != "row":
            assert panel["title"]
            assert panel["description"]
            assert panel["fieldConfig"]["defaults"]["unit"]


def test_grafana_finds_its_source_and_its_dashboard():
    """The dashboard's data source is a variable over Prometheus sources; the provisioned folder is the mounted one."""
    folder = "deploy/grafana/provisioning"
    [source] = yaml.safe_load((ROOT / folder / "datasources/prometheus.yaml").read_text())["datasources"]
    [provider] = yaml.safe_load((ROOT / folder / "dashboards/quarry.yaml").read_text())["providers"]
    volumes = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["grafana"]["volumes"]

    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    source_variable, model_variable = DASHBOARD["templating"]["list"]

    assert (source_variable["type"], source_variable["query"]) == ("datasource", "prometheus")
    assert metrics_in([model_variable["definition"]]) <= NAMES
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in volumes
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in volumes
