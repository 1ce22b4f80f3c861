"""Puts every deployment file before a judge of its own. Knows no product code, and decides nothing itself.

    python deploy/check.py

All judges speak, then the exit code is 1 if any objected. Each runs with the repository as its working directory.
"""
# ruff: noqa: INP001 - a script beside the files that it checks, not a package

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

# What Grafana puts in place of its variables before Prometheus sees an expression.
GRAFANA_VARIABLES = {"$__rate_interval": "1m", "$__range": "1h", "$model": "support"}


class Judge(NamedTuple):
    """A tool and what it is shown.

    Attributes:
        material: Its standard input; where there is none, the files stand in the command.
    """

    name: str
    command: tuple[str, ...]
    material: str = ""

    def objection(self, root: Path) -> str | None:
        """What the tool says against the files under ``root``; ``None`` when it is content."""
        done = subprocess.run(  # noqa: S603 - our own command lines
            self.command, cwd=root, input=self.material, capture_output=True, text=True, check=False
        )
        return (done.stdout + done.stderr).strip() or f"exit code {done.returncode}" if done.returncode else None


def judges(root: Path) -> Iterator[Judge]:
    """Every judge of the files under ``root``, quickest first."""
    promtool = _promtool()
    prometheus = "deploy/prometheus"
    yield Judge("Dockerfile", (f"{BIN}/hadolint", "--config", ".hadolint.yaml", "Dockerfile"))
    yield Judge("YAML", (f"{BIN}/yamllint", "--strict", "."))
    yield Judge("Compose file", (f"{BIN}/check-jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"))
    yield Judge("Prometheus", (promtool, "check", "config", "--syntax-only", f"{prometheus}/prometheus.yaml"))
    yield Judge("alerts", (promtool, "check", "rules", "--lint=all", "--lint-fatal", f"{prometheus}/alerts.yaml"))
    yield Judge("alerts fire", (promtool, "test", "rules", f"{prometheus}/alerts_test.yaml"))
    for path in sorted(root.glob("deploy/grafana/dashboards/*.json")):
        yield Judge(path.stem, (promtool, "check", "rules", "/dev/stdin"), as_rules(expressions(json.loads(path.read_text()))))
    # cfn-lint carries AWS's service authorization reference: actions, and the resources that each of them takes. Its
    # informational rules are asked for because the one about resources is among them.
    policies = {path.stem: json.loads(path.read_text()) for path in sorted(root.glob("deploy/iam/*.json"))}
    yield Judge("IAM policies", (f"{BIN}/cfn-lint", "--include-checks", "I", "--", "/dev/stdin"), as_template(policies))


def expressions(dashboard: dict[str, Any]) -> list[str]:
    """Every PromQL expression of a dashboard, Grafana's variables replaced by plausible values."""
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    for name, value in GRAFANA_VARIABLES.items():
        found = [expression.replace(name, value) for expression in found]
    return found


def as_rules(found: list[str]) -> str:
    """Recording rules around expressions: the form in which promtool parses them. JSON is YAML enough for it."""
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(found)]
    return json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})


def as_template(policies: dict[str, dict[str, Any]]) -> str:
    """A CloudFormation template around IAM documents, by name: the form in which cfn-lint reads them.

    It leaves trust policies unread, so a trusted principal is shown as the resource of the same action: both the action
    and the shape of the ARN are then judged.
    """
    for policy in policies.values():
        for statement in policy["Statement"]:
            if "Principal" in statement:
                statement["Resource"] = statement.pop("Principal")["AWS"]
    resources = {
        name.title().replace("-", ""): {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}
        for name, policy in policies.items()
    }
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}, indent=1)


def _promtool() -> str:
    found = subprocess.run([ROOT / "deploy/promtool.sh"], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own script
    return found.stdout.strip()


def main(root: Path = ROOT) -> int:
    """Hear every judge, print each verdict, and count the objections into an exit code."""
    objections = 0
    for judge in judges(root):
        objection = judge.objection(root)
        objections += objection is not None
        sys.stdout.write(f"{judge.name}: {'ok' if objection is None else objection}\n")
    return 1 if objections else 0


if __name__ == "__main__":
    sys.exit(main())
