"""A real upstream for the transport: sockets, certificates, both event loops."""

import asyncio
import subprocess
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import NamedTuple

import pytest
import uvloop

from gateway.bedrock.client import Client
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.runtime import Runtime
from tests.gateway.bedrock.asking import KEYS


def pytest_asyncio_loop_factories(config, item):
    """Each test here runs on both loops: transports differ in what they do at a close, and production runs uvloop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Certificate(NamedTuple):
    path: Path
    key: Path

    def server(self) -> SSLContext:
        context = SSLContext(PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key)
        return context


def certificate(folder: Path, name: str, *arguments: str) -> Certificate:
    path, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        f"/CN={name}",
    ]
    subprocess.run([*command, "-out", path, "-keyout", key, *arguments], check=True, capture_output=True)
    return Certificate(path, key)


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For 127.0.0.1, and its own authority."""
    return certificate(tmp_path_factory.mktemp("good"), "good", "-days", "1", "-addext", "subjectAltName=IP:127.0.0.1")


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For another host."""
    return certificate(
        tmp_path_factory.mktemp("elsewhere"), "elsewhere", "-days", "1", "-addext", "subjectAltName=DNS:elsewhere.example"
    )


@pytest.fixture
async def client():
    client = Client()
    yield client
    await client.aclose()


@pytest.fixture
async def runtime_to():
    made = []

    def make(upstream, **settings):
        credentials = settings.pop("credentials", None) or CredentialSource(keys=KEYS, environment={})
        scheme = settings.pop("scheme", "http")
        client = settings.pop("client", None) or Client()
        urls = {"bedrock-runtime": f"{scheme}://127.0.0.1:{upstream.port}"}
        made.append(Runtime(client, credentials, endpoint_urls=urls, **settings))
        return made[-1]

    yield make
    for runtime in made:
        await runtime.aclose()
