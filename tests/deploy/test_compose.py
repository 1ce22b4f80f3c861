"""The compose file confines its containers, pins them, and mounts files that exist."""

import hashlib
import re

import pytest
import yaml

from deploy.check import ROOT
from gateway.sandbox.models import models

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
SANDBOX = yaml.safe_load((DEPLOY / "compose/sandbox.yaml").read_text())
SANDBOX_ENV = dict(line.split("=", 1) for line in (DEPLOY / "compose/sandbox.env").read_text().splitlines() if line[:1].isalpha())


def with_sandbox(text: str) -> str:
    """``${NAME:-default}`` as Compose fills it from compose/sandbox.env."""
    return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: SANDBOX_ENV.get(found[1], found[2]), text)


@pytest.mark.parametrize("name", SERVICES)
def test_container_is_confined(name):
    """No container may gain privileges, hold a capability or write to its root file system."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_loopback(name):
    """Nothing is published beyond this machine."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "build" not in service])
def test_image_is_pinned(name):
    """A foreign image is named down to its patch version."""
    assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+(-alpine)?", SERVICES[name]["image"])


def test_mounted_files_exist():
    """With the sandbox's env file, every bind mount and secret is a file or folder of the repository."""
    volumes = [volume.rsplit(":", 2)[0] for service in SERVICES.values() for volume in service.get("volumes", ())]
    sources = [with_sandbox(volume) for volume in volumes] + [with_sandbox(COMPOSE["secrets"]["metrics_key"]["file"])]
    binds = [source for source in sources if source.startswith(".")]

    assert "./compose/sandbox.yaml" in binds
    assert all((DEPLOY / source).exists() for source in binds)
    assert set(sources) - set(binds) <= set(COMPOSE["volumes"])


def test_prometheus_reads_what_is_mounted():
    """The configuration, the rules and the key stand where Prometheus looks for them, and it asks the gateway."""
    service = SERVICES["prometheus"]
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())
    [job] = config["scrape_configs"]

    assert "--config.file=/etc/prometheus/prometheus.yaml" in service["command"]
    assert "./prometheus:/etc/prometheus:ro" in service["volumes"]
    assert all((DEPLOY / "prometheus" / name).exists() for name in config["rule_files"])
    assert service["secrets"] == ["metrics_key"]
    assert job["authorization"]["credentials_file"] == "/run/secrets/metrics_key"
    assert job["static_configs"] == [{"targets": ["gateway:8080"]}]
    assert job["job_name"] == "quarry"


def test_valkey_never_evicts():
    """Counters of limits and budgets are refused rather than forgotten."""
    command = SERVICES["valkey"]["command"]

    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert "QUARRY_REDIS_URL=redis://valkey:6379/0" in SERVICES["gateway"]["environment"]


def test_grafana_needs_a_password():
    """No anonymous viewer, no sign-up, and no start without a password of one's own."""
    environment = SERVICES["grafana"]["environment"]

    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert environment["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_PASSWORD:?")


def test_stop_outlasts_the_drain():
    """Containers get more time to stop than the gateway takes to be forgotten by balancers and to finish its streams."""
    from gateway.server import LAME_DUCK_SECONDS
    from gateway.settings import Server

    assert LAME_DUCK_SECONDS + Server().drain_seconds < int(SERVICES["gateway"]["stop_grace_period"].removesuffix("s"))


def test_sandbox_is_only_in_its_profile():
    """Without the profile there is no sandbox, and the gateway starts without waiting for one."""
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {"sandbox": ["sandbox"]}
    assert SERVICES["gateway"]["depends_on"]["sandbox"] == {"condition": "service_healthy", "required": False}


def test_sandbox_configuration_asks_the_sandbox():
    """The gateway's endpoint is the sandbox's service and port, and every target is a model that the sandbox has."""
    command = SERVICES["sandbox"]["command"]
    port = command[command.index("--port") + 1]
    known = {model.arn: model.family for model in models(SANDBOX_ENV["AWS_REGION"])}
    targets = [target for route in SANDBOX["models"].values() for target in route["targets"]]

    assert f"http://sandbox:{port}" == SANDBOX["aws"]["endpoint_urls"]["bedrock-runtime"]
    assert f"QUARRY_PORT={port}" in SERVICES["sandbox"]["environment"]
    assert {target["arn"]: known[target["arn"]] for target in targets} == {target["arn"]: target["family"] for target in targets}


def test_sandbox_keys_are_the_documented_words():
    """Callers say "sandbox"; the key file of Prometheus holds the key that may read metrics and nothing else."""
    caller, prometheus = SANDBOX["keys"]
    key_file = (DEPLOY / "compose/sandbox-metrics.key").read_text().strip()

    assert "sha256:" + hashlib.sha256(b"sandbox").hexdigest() == caller["hash"]
    assert "sha256:" + hashlib.sha256(key_file.encode()).hexdigest() == prometheus["hash"]
    assert prometheus["scopes"] == ["metrics"]


def test_sandbox_configuration_is_understood():
    """The gateway reads the sandbox's configuration, with the environment of its container, without a problem."""
    from gateway.configuration import configure

    environment = dict(line.split("=", 1) for line in SERVICES["gateway"]["environment"] if "=" in line)

    read = configure(DEPLOY / "compose/sandbox.yaml", environment | SANDBOX_ENV)

    assert read.snapshot.routes.keys() == SANDBOX["models"].keys()
    assert [key.name for key in read.keys] == ["sandbox", "prometheus"]
