"""Settings shown to people: nothing secret, nothing silently ignored, a reference that is current."""

import os
from pathlib import Path

import msgspec
import pytest

from gateway.settings import Settings, decode, effective, reference, unenforced

PAGE = Path("docs/configuration.md")
BEGIN, END = "<!-- begin: generated from gateway/settings/model.py -->\n", "<!-- end: generated -->\n"


def settings(text):
    made, problems = decode(text.encode(), {})
    assert problems == []
    return made


def test_effective_settings_show_every_setting():
    """Defaults included: what a person does not see cannot surprise them."""
    shown = effective(settings("server: {port: 1}"))

    assert shown["server"]["port"] == 1
    assert shown["server"]["drain_seconds"] == 30.0
    assert shown.keys() == set(Settings.__struct_fields__)
    assert shown == msgspec.json.decode(msgspec.json.encode(shown))


def test_effective_settings_hold_no_secret():
    """Passwords in URLs and keys in texts are masked; of a hash stand the digits that name the key."""
    shown = str(
        effective(
            settings(f"""
redis: {{url: "redis://:hunter2@cache/0"}}
database: {{url: "postgresql://quarry:hunter2@db/quarry"}}
aws: {{endpoint_urls: {{sts: "https://user:hunter2@proxy"}}}}
models: {{a: {{description: "try qk_abc_hunter2", targets: []}}}}
keys: [{{name: k, hash: "sha256:{"0123456789abcdef" * 4}"}}]
""")
        )
    )

    assert "hunter2" not in shown
    assert "sha256:0123456789ab…" in shown
    assert "0123456789abc" not in shown


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("server: {port: 1}", []),
        ("server: {tls: {certificate: a, key: b}}", []),
        ("server: {workers: 1}", []),
        (
            "server: {workers: 4}",
            ["server.workers: 4 processes are not started yet; one is. Scale by replicas."],
        ),
        (
            "server: {metrics_port: 9100}",
            ["server.metrics_port: no port of its own yet; /metrics is on port 8080 and needs a key."],
        ),
        ("redis: {url: 'redis://x'}", ["redis: not used yet; nothing is shared between replicas."]),
        ("database: {url: 'sqlite:///x'}", ["database: not used yet; usage is in the log and the metrics only."]),
        (
            "limits: {requests_per_minute: 6000000, usd_per_month: 1.5}",
            [
                "limits.requests_per_minute: not enforced yet; nobody is held to 6000000.",
                "limits.usd_per_month: not enforced yet; nobody is held to 1.5.",
            ],
        ),
        (
            "models: {a.b: {targets: [{arn: x}, {arn: y, capacity: {tokens_per_minute: 5}, cold_start: {keep_warm: always}}]}}",
            [
                'models["a.b"].targets[1].capacity.tokens_per_minute: not enforced yet; more than 5 may be sent.',
                'models["a.b"].targets[1].cold_start.keep_warm: not acted on yet; the model goes cold when nobody asks.',
            ],
        ),
        (
            f"keys: [{{name: k, hash: 'sha256:{'0' * 64}', limits: {{concurrent_requests: 3}}}}]",
            ["keys[0].limits.concurrent_requests: not enforced yet; nobody is held to 3."],
        ),
    ],
)
def test_what_is_not_enforced_is_said(text, warnings):
    """Each setting that this version reads without acting on it has a warning, and the others have none."""
    assert unenforced(settings(text)) == warnings


def test_the_reference_is_current():
    """The table in docs/configuration.md is the one that the settings make; QUARRY_REWRITE=1 writes it anew."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    written, after = rest.split(END)
    if os.environ.get("QUARRY_REWRITE"):
        PAGE.write_text(f"{before}{BEGIN}{reference()}{END}{after}")

    assert written == reference()


def test_every_setting_is_described():
    """Each field of each section has a row with a meaning."""
    rows = [line for line in reference().splitlines() if line.startswith("| `")]

    assert len(rows) > 60
    assert [row for row in rows if row.split("|")[-2].strip() == ""] == []
