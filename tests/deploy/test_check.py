"""Every judge of deploy/check.py accepts what is shipped and objects to what is broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.check import ROOT, expressions, judges

DAMAGE = [
    ("Dockerfile", "Dockerfile", "FROM python:3.11.15-slim-bookworm", "FROM python:latest"),
    ("YAML", "deploy/compose/sandbox.yaml", "models:", "models:\nmodels:"),
    ("Compose file", "deploy/compose.yaml", "depends_on: [prometheus]", "depend_on: [prometheus]"),
    ("Prometheus", "deploy/prometheus/prometheus.yaml", "metrics_path:", "metric_path:"),
    ("alerts", "deploy/prometheus/alerts.yaml", 'up{job="quarry"} == 0', 'up{job="quarry" == 0'),
    ("alerts fire", "deploy/prometheus/alerts.yaml", "> 0.05", "> 0.5"),
    ("alerts fire", "deploy/prometheus/alerts.yaml", 'failed|cut"', 'failed|cut|client_gone"'),
    ("quarry", "deploy/grafana/dashboards/quarry.json", "[$__rate_interval]", "[$__rate_intervl]"),
    ("IAM policies", "deploy/iam/inference.json", "bedrock:InvokeModelWithResponseStream", "bedrock:InvokeModelStream"),
    ("IAM policies", "deploy/iam/identify.json", ":custom-model-deployment/*", ":imported-model/*"),
    ("IAM policies", "deploy/iam/assume-role.json", "arn:aws:iam::", "arn:aws:s3:::"),
    ("IAM policies", "deploy/iam/assume-role-trust.json", "sts:AssumeRole", "sts:AssumeRoles"),
]


def test_everything_shipped_passes():
    """All judges are content with the repository, and the script says so by its exit code."""
    done = subprocess.run([sys.executable, ROOT / "deploy/check.py"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert {"ok"} == {line.rpartition(": ")[2] for line in done.stdout.splitlines()}


@pytest.fixture
def copy(tmp_path) -> Path:
    """The deployment files in a folder of their own, to be damaged."""
    for name in ("Dockerfile", ".hadolint.yaml", ".yamllint.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize(("name", "file", "sound", "broken"), DAMAGE, ids=[f"{name}: {broken}" for name, _, _, broken in DAMAGE])
def test_judge_objects(copy, name, file, sound, broken):
    """A judge names the fault in a file that was sound before."""
    path = copy / file
    text = path.read_text()
    assert sound in text
    path.write_text(text.replace(sound, broken))

    [judge] = [judge for judge in judges(copy) if judge.name == name]

    assert judge.objection(copy)


def test_grafana_variables_are_replaced():
    """Expressions reach Prometheus without a variable of Grafana's, from panels with and without queries."""
    dashboard = {"panels": [{"type": "row"}, {"targets": [{"expr": 'rate(a{model=~"$model"}[$__rate_interval])'}]}]}

    assert expressions(dashboard) == ['rate(a{model=~"support"}[1m])']
