"""HTTPS whose certificate is renewed while it serves, with real clients on real sockets."""

import asyncio
import shutil
import signal
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.sandbox.serve import running
from gateway.sandbox.world import World
from tests.gateway.certificates import Authority, authority
from tests.process import Process, quarry_file, serving
from tests.referees.bedrock.calls import ASK, COUNTED, client
from tests.stack import SECRET

HEADERS = {"authorization": f"Bearer {SECRET}"}
SLOW = {"model": "haiku-support", "messages": [{"role": "user", "content": "Tell me about the harbour."}], "stream": True}


class Files:
    """The two files that a gateway was told, and what is put into them."""

    def __init__(self, folder: Path, issuer: Authority) -> None:
        self.certificate, self.key = folder / "tls.crt", folder / "tls.key"
        self._issuer = issuer

    def renew(self, name: str) -> None:
        """Put another pair in, each file as a whole, as certificate managers do."""
        for made, file in zip(self._issuer.issue(name), (self.certificate, self.key), strict=True):
            fresh = file.with_suffix(".fresh")
            shutil.copy(made, fresh)
            fresh.replace(file)


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    return authority(tmp_path / "authority")


@pytest.fixture
def files(tmp_path: Path, issuer: Authority) -> Files:
    made = Files(tmp_path, issuer)
    made.renew("first")
    return made


def shown_to(process: Process, issuer: Authority) -> str:
    """The name on the certificate that a new connection is shown, which the client has verified."""
    context = ssl.create_default_context(cafile=issuer.file)
    host, port = process.url.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        return str(dict(pair for (pair,) in tls.getpeercert()["subject"])["commonName"])


def gateway_file(folder: Path, world: World, sandbox: str, files: Files) -> Path:
    tls = {"certificate": str(files.certificate), "key": str(files.key)}
    return quarry_file(folder, world, sandbox, server={"host": "127.0.0.1", "port": 0, "tls": tls, "drain_seconds": 1})


async def test_a_new_certificate_is_taken_without_a_restart(
    tmp_path: Path, world: World, files: Files, issuer: Authority
) -> None:
    """By the change of the files alone: a stream under way goes on, its connection stays, the next one sees the new one."""
    world.pace = 20
    async with running(world) as sandbox, serving(gateway_file(tmp_path, world, sandbox, files), world) as process:
        verify = ssl.create_default_context(cafile=issuer.file)
        before = await asyncio.to_thread(shown_to, process, issuer)
        async with httpx.AsyncClient(verify=verify, headers=HEADERS, timeout=30) as http:
            async with http.stream("POST", f"{process.url}/v1/chat/completions", json=SLOW) as reply:
                pieces = reply.aiter_text()
                text = await anext(pieces)
                files.renew("second")
                await process.line("certificate_loaded")
                after = await asyncio.to_thread(shown_to, process, issuer)
                text += "".join([piece async for piece in pieces])
            alive = await http.get(f"{process.url}/healthz")
        code = await process.stop()

    assert (before, after) == ("first", "second")
    assert text.endswith("data: [DONE]\n\n")
    assert alive.status_code == 200
    assert (code, process.errors) == (0, "")


BAD: dict[str, Any] = {
    "no PEM": (lambda files: files.key.write_text("nothing"), "both must be PEM files"),
    "another's key": (lambda files: shutil.copy(files.key.parent / "authority" / "ca.key", files.key), "not the certificate's"),
    "no file": (lambda files: files.certificate.unlink(), "cannot be read"),
}


@pytest.mark.parametrize(("spoil", "said"), BAD.values(), ids=BAD.keys())
async def test_bad_files_keep_the_old_certificate(
    tmp_path: Path, world: World, files: Files, issuer: Authority, spoil: Any, said: str
) -> None:
    """What cannot be used is logged with its file, and the gateway serves on; good ones are taken as soon as they are there."""
    async with running(world) as sandbox, serving(gateway_file(tmp_path, world, sandbox, files), world) as process:
        spoil(files)
        process.process.send_signal(signal.SIGHUP)
        refused = await process.line("certificate_refused")
        kept = await asyncio.to_thread(shown_to, process, issuer)
        files.renew("third")
        process.process.send_signal(signal.SIGHUP)
        await process.line("certificate_loaded")
        mended = await asyncio.to_thread(shown_to, process, issuer)
        code = await process.stop()

    assert said in refused["problems"][0]
    assert (kept, mended) == ("first", "third")
    assert (code, process.errors) == (0, "")


async def test_boto3_over_https(tmp_path: Path, world: World, files: Files, issuer: Authority, monkeypatch: Any) -> None:
    """A bearer token over HTTPS, the certificate verified: what AWS's SDKs want before they send one."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", SECRET)
    async with running(world) as sandbox, serving(gateway_file(tmp_path, world, sandbox, files), world) as process:
        runtime = client(process.url, verify=issuer.file)
        reply = await asyncio.to_thread(runtime.converse, modelId="haiku-support", **ASK)
        await process.stop()

    assert reply["output"]["message"]["content"] == [{"text": COUNTED}]
