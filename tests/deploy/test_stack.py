"""What compose.yaml starts for the sandbox profile, started here as processes: the same commands, environment and files."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from deploy.check import ROOT
from gateway.usage.metrics import NAMES

DEPLOY = ROOT / "deploy"
SERVICES = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
SANDBOX_ENV = dict(line.split("=", 1) for line in (DEPLOY / "compose/sandbox.env").read_text().splitlines() if line[:1].isalpha())
METRICS_KEY = (DEPLOY / SANDBOX_ENV["QUARRY_METRICS_KEY_FILE"]).read_text().strip()
START_SECONDS = 30


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def environment(service: str, port: int) -> dict[str, str]:
    """What Compose would put into the container, with the port that the image's health check asks."""
    entries = [entry.partition("=") for entry in SERVICES[service]["environment"]]
    values = {name: value if given else SANDBOX_ENV.get(name) for name, given, value in entries}
    found = {name: value for name, value in values.items() if value is not None}
    return {"PATH": os.environ["PATH"], **found, "QUARRY_PORT": str(port)}


def start(arguments: list[str], health: list[str], variables: dict[str, str], log: Path) -> subprocess.Popen:
    """Start ``quarry`` and wait until its own health check is content."""
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "gateway", *arguments], cwd=ROOT, env=variables, stdout=out, stderr=out)
    give_up_at = time.monotonic() + START_SECONDS
    check = [sys.executable, DEPLOY / "healthcheck.py", *health]
    while subprocess.run(check, env=variables, capture_output=True, check=False).returncode:
        if process.poll() is not None or time.monotonic() > give_up_at:
            process.kill()
            raise AssertionError(log.read_text())
        time.sleep(0.05)
    return process


def stop(process: subprocess.Popen) -> int:
    """Ctrl-C, which skips the lame-duck phase; the exit code."""
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(START_SECONDS)
    finally:
        process.kill()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[httpx.Client]:
    """A client of the gateway over the sandbox. Only the addresses differ from those inside Compose's network."""
    folder = tmp_path_factory.mktemp("stack")
    sandbox_port, gateway_port = free_port(), free_port()
    configuration = folder / "quarry.yaml"
    shipped = (DEPLOY / SANDBOX_ENV["QUARRY_CONFIG_FILE"]).read_text()
    configuration.write_text(shipped.replace("http://sandbox:9000", f"http://127.0.0.1:{sandbox_port}"))
    command = [{"0.0.0.0": "127.0.0.1", "9000": str(sandbox_port)}.get(word, word) for word in SERVICES["sandbox"]["command"]]
    health = SERVICES["sandbox"]["healthcheck"]["test"][3:]

    sandbox = start(command, health, environment("sandbox", sandbox_port), folder / "sandbox.log")
    try:
        arguments = ["serve", "--config", str(configuration)]
        process = start(arguments, [], environment("gateway", gateway_port), folder / "gateway.log")
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{gateway_port}", timeout=START_SECONDS, trust_env=False) as client:
                yield client
        finally:
            assert stop(process) == 0, (folder / "gateway.log").read_text()
    finally:
        stop(sandbox)


@pytest.mark.parametrize("alias", yaml.safe_load((DEPLOY / "compose/sandbox.yaml").read_text())["models"])
def test_every_alias_answers(gateway, alias):
    """Each alias of the sandbox's configuration answers to the documented key."""
    body = {"model": alias, "messages": [{"role": "user", "content": "Where is my order?"}]}

    reply = gateway.post("/v1/chat/completions", json=body, headers={"authorization": "Bearer sandbox"})

    assert reply.status_code == 200, reply.text
    assert reply.json()["choices"][0]["message"]["content"]


def test_prometheus_may_read_metrics(gateway):
    """The key file of Prometheus opens /metrics and nothing else; its judge likes what it reads, and our names are there."""
    headers = {"authorization": f"Bearer {METRICS_KEY}"}
    promtool = subprocess.run([ROOT / "deploy/promtool.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    page = gateway.get("/metrics", headers=headers)
    chat = gateway.post("/v1/chat/completions", json={"model": "support-haiku", "messages": []}, headers=headers)
    judged = subprocess.run([promtool, "check", "metrics"], input=page.text, capture_output=True, text=True, check=False)

    assert page.status_code == 200
    assert chat.status_code == 403
    assert (judged.returncode, judged.stderr) == (0, "")
    assert all(f"# TYPE {name} " in page.text for name in NAMES)


def test_metrics_are_closed_to_callers(gateway):
    """A caller's key, or none, does not read metrics."""
    assert gateway.get("/metrics", headers={"authorization": "Bearer sandbox"}).status_code == 403
    assert gateway.get("/metrics").status_code == 401
