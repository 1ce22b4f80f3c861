"""``quarry serve`` as a process: how it starts, reloads and stops, and what it says while it does."""

import asyncio
import json
import signal
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from gateway.sandbox import faults
from gateway.sandbox.serve import running
from gateway.sandbox.world import World
from tests.process import Process, quarry, quarry_file, serving
from tests.stack import SECRET, digest

ASK: dict[str, Any] = {
    "model": "haiku-support",
    "messages": [{"role": "user", "content": "Tell me about the harbour."}],
    "max_tokens": 60,
}
HEADERS = {"authorization": f"Bearer {SECRET}"}


@pytest.fixture
async def sandbox(world: World) -> AsyncIterator[str]:
    """The world's URL."""
    async with running(world) as url:
        yield url


def client_of(process: Process) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=process.url, headers=HEADERS, timeout=20)


async def stream(client: httpx.AsyncClient, first_byte: asyncio.Event) -> str:
    """The whole text of one streamed reply."""
    async with client.stream("POST", "/v1/chat/completions", json=ASK | {"stream": True}) as reply:
        text = ""
        async for piece in reply.aiter_text():
            text += piece
            first_byte.set()
    return text


async def begun(client: httpx.AsyncClient, count: int) -> list[asyncio.Task[str]]:
    """Streams that have all begun."""
    events = [asyncio.Event() for _ in range(count)]
    tasks = [asyncio.create_task(stream(client, event)) for event in events]
    await asyncio.gather(*(event.wait() for event in events))
    return tasks


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_quiet_start_and_stop(tmp_path: Path, world: World, sandbox: str, number: int) -> None:
    """The first line says where, on a port that the system chose; every line is JSON, none is a warning; exit code 0."""
    file = quarry_file(tmp_path, world, sandbox, server={"host": "127.0.0.1", "port": 8080, "drain_seconds": 1})
    async with serving(file, world, QUARRY_PORT="0") as process:
        async with client_of(process) as client:
            reply = await client.post("/v1/chat/completions", json=ASK)
        code = await process.stop(number)

    assert reply.status_code == 200
    assert not process.url.endswith((":0", ":8080"))
    assert [line["event"] for line in process.lines] == ["listening", "request", "draining", "stopped"]
    assert (code, process.errors) == (0, "")


async def test_a_drain_loses_nothing(tmp_path: Path, world: World, sandbox: str) -> None:
    """After SIGTERM: not ready at once, new requests still answered, streams under way end whole, exit code 0."""
    world.pace = 15
    file = quarry_file(tmp_path, world, sandbox, server={"host": "127.0.0.1", "port": 0, "drain_seconds": 15})
    async with serving(file, world) as process, client_of(process) as client:
        streams = await begun(client, 5)
        process.process.send_signal(signal.SIGTERM)
        await process.line("draining")
        ready = await client.get("/readyz")
        alive = await client.get("/healthz")
        late = await client.post("/v1/chat/completions", json=ASK | {"model": "titan-support", "max_tokens": 5})
        texts = await asyncio.gather(*streams)
        code = await process.ended()

    assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
    assert alive.status_code == 200
    assert late.status_code == 200
    assert late.headers["connection"] == "close"  # its caller's next request goes to another replica
    assert all(text.endswith("data: [DONE]\n\n") for text in texts)
    assert [line["outcome"] for line in process.lines if line["event"] == "request"] == ["complete"] * 6
    assert (code, process.errors) == (0, "")


async def test_what_outlives_the_drain_is_told(tmp_path: Path, world: World, sandbox: str, within: Callable[..., Any]) -> None:
    """Streams end with an error event and no [DONE], whole requests with 503: never with silence, never as the caller's."""
    world.faults.plant("stall", faults.Stall(after_chunks=3, seconds=60))
    file = quarry_file(tmp_path, world, sandbox, server={"host": "127.0.0.1", "port": 0, "drain_seconds": 1})
    async with serving(file, world) as process, client_of(process) as client:
        streams = await begun(client, 3)
        whole = asyncio.create_task(client.post("/v1/chat/completions", json=ASK))
        await within(lambda: len(list(world.log)) == 4)
        code = await process.stop()
        texts, refused = await asyncio.gather(*streams), await whole

    errors = [json.loads(text.strip().rpartition("data: ")[2])["error"] for text in texts]
    assert [error["code"] for error in errors] == ["overloaded"] * 3
    assert all("[DONE]" not in text and '"finish_reason":"' not in text for text in texts)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    requests = [line for line in process.lines if line["event"] == "request"]
    assert sorted(line["outcome"] for line in requests) == ["cut", "cut", "cut", "failed"]
    assert {line["error"] for line in requests} == {"overloaded"}
    assert process.lines[-1]["event"] == "stopped"
    assert (code, process.errors) == (0, "")


async def test_asked_twice_it_does_not_wait(tmp_path: Path, world: World, sandbox: str) -> None:
    """Ctrl-C twice ends the drain at once, and those it cuts are told all the same."""
    world.faults.plant("stall", faults.Stall(after_chunks=3, seconds=60))
    file = quarry_file(tmp_path, world, sandbox, server={"host": "127.0.0.1", "port": 0, "drain_seconds": 600})
    async with serving(file, world) as process, client_of(process) as client:
        (one,) = await begun(client, 1)
        process.process.send_signal(signal.SIGINT)
        await process.line("draining")
        code = await process.stop(signal.SIGINT)
        text = await one

    assert '"code":"overloaded"' in text
    assert code == 0


async def test_reload(tmp_path: Path, world: World, sandbox: str) -> None:
    """SIGHUP and a change of the file put aliases and keys into effect, whole or not at all, under requests that go on."""
    world.pace = 15
    other = "qk_other_Aa1Bb2Cc3Dd4"
    model = next(model for model in world.shelf.entries if model.name == "titan-support")
    fresh = {"models": {"new": {"targets": [{"arn": model.arn, "family": model.family}]}}}
    fresh["keys"] = [{"name": "other", "hash": digest(other)}]
    file = quarry_file(tmp_path, world, sandbox)
    async with serving(file, world) as process, client_of(process) as client:
        (under_way,) = await begun(client, 1)

        quarry_file(tmp_path, world, sandbox, **fresh, server={"host": "127.0.0.1", "port": 0, "drain_seconds": 7})
        process.process.send_signal(signal.SIGHUP)
        reloaded = await process.line("reloaded")
        old_key = await client.get("/v1/models")
        new_key = await client.get("/v1/models", headers={"authorization": f"Bearer {other}"})
        text = await under_way

        file.write_text("models: {new: {targets: 3}}\nkeys: nobody\n")
        refused = await process.line("reload_refused")  # by the change of the file alone
        kept = await client.get("/v1/models", headers={"authorization": f"Bearer {other}"})

    assert (reloaded["models"], reloaded["needs_restart"]) == (1, ["server"])
    assert old_key.status_code == 401
    assert [entry["id"] for entry in new_key.json()["data"]] == ["new"]
    assert text.endswith("data: [DONE]\n\n")
    assert [problem.split(" ")[0] for problem in refused["problems"]] == ["models.new.targets", "keys"]
    assert kept.json() == new_key.json()


async def test_a_taken_port_is_said(tmp_path: Path, world: World, sandbox: str) -> None:
    """Exit code 1, the address and the way out on stderr, no traceback."""
    file = quarry_file(tmp_path, world, sandbox)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = await quarry("serve", "--config", file, QUARRY_PORT=str(port))
        code = await process.ended()

    assert code == 1
    assert f"('127.0.0.1', {port}): address already in use; QUARRY_PORT names another port" in process.errors
    assert process.errors.startswith("Error: cannot serve: ")
    assert "Traceback" not in process.errors


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """A certificate for loopback, made by the openssl command, that is its own authority; and another's key."""
    files = {name: str(tmp_path / f"tls.{name}") for name in ("certificate", "key")}
    curve = ("-pkeyopt", "ec_paramgen_curve:prime256v1")
    named = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-nodes", "-days", "1")
    openssl("req", "-x509", "-newkey", "ec", *curve, *named, "-keyout", files["key"], "-out", files["certificate"])
    openssl("genpkey", "-algorithm", "ec", *curve, "-out", str(tmp_path / "other.key"))
    return files


async def test_tls(tmp_path: Path, world: World, sandbox: str, certificate: dict[str, str]) -> None:
    """The official client speaks HTTPS to it and verifies the certificate; plain HTTP gets nothing."""
    file = quarry_file(tmp_path, world, sandbox, server={"host": "127.0.0.1", "port": 0, "tls": certificate, "drain_seconds": 1})
    async with serving(file, world) as process:
        verified = openai.DefaultAsyncHttpxClient(verify=ssl.create_default_context(cafile=certificate["certificate"]))
        async with openai.AsyncOpenAI(base_url=f"{process.url}/v1", api_key=SECRET, http_client=verified) as client:
            reply = await client.chat.completions.create(**ASK)
            chunks = [chunk async for chunk in await client.chat.completions.create(**ASK, stream=True)]
        async with httpx.AsyncClient() as strict:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await strict.get(f"{process.url}/healthz")
            with pytest.raises(httpx.RemoteProtocolError):
                await strict.get(process.url.replace("https", "http") + "/healthz")
        code = await process.stop()

    assert process.url.startswith("https://127.0.0.1:")
    assert reply.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert (code, process.errors) == (0, "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"certificate": "/nowhere/tls.crt"}, ['server.tls.certificate: "/nowhere/tls.crt" cannot be read: No such file']),
        (
            {"certificate": "/nowhere/a", "key": "/nowhere/b"},
            ['server.tls.certificate: "/nowhere/a" cannot be read', 'server.tls.key: "/nowhere/b" cannot be read'],
        ),
        ({"key": "{folder}/tls.certificate"}, ["server.tls: ", "must be PEM files"]),
        ({"key": "{folder}/other.key"}, ["server.tls: ", "the key is not the certificate's"]),
    ],
    ids=["no file", "two problems", "no key in it", "another's key"],
)
async def test_a_certificate_that_cannot_be_used_is_said(
    tmp_path: Path, world: World, certificate: dict[str, str], change: dict[str, str], said: list[str]
) -> None:
    """Before anything listens: exit code 1, the setting, the file and what is wrong with it."""
    tls = certificate | {name: file.format(folder=tmp_path) for name, file in change.items()}
    file = quarry_file(tmp_path, world, "http://127.0.0.1:9", server={"tls": tls})

    process = await quarry("serve", "--config", file, "--check")
    code = await process.ended()

    assert code == 1
    assert all(words in process.errors for words in said)
    assert "Traceback" not in process.errors


async def test_nothing_to_serve_is_said(tmp_path: Path) -> None:
    """Without a configuration: exit code 1 and how to begin. With a bad one: every problem. With wrong use: exit code 2."""
    file = tmp_path / "bad.yaml"
    file.write_text("server: {port: abc}\nmodel: {}\n")

    runs = [
        await quarry("serve", QUARRY_CONFIG=str(tmp_path / "none.yaml")),
        await quarry("serve", "--config", file),
        await quarry("serve", "--config", tmp_path / "none.yaml"),
        await quarry("serve", "--sandbox", QUARRY_PORT="many"),
    ]
    codes = [await run.ended() for run in runs]

    assert codes == [1, 1, 2, 1]
    assert "none.yaml" in runs[0].errors
    assert 'server.port (line 1): must be a whole number from 0 to 65535, not "abc"' in runs[1].errors
    assert 'model (line 2): there is no such setting here; did you mean "models"?' in runs[1].errors
    assert "does not exist" in runs[2].errors
    assert "QUARRY_PORT" in runs[3].errors
    assert not any("Traceback" in run.errors for run in runs)


def left_open(world: World, *names: str) -> dict[str, Any]:
    """Aliases of these models, their families not written."""
    arns = {model.name: model.arn for model in world.shelf.entries}
    return {name: {"targets": [{"arn": arns[name]}]} for name in names}


async def test_a_start_finds_open_families(tmp_path: Path, world: World, sandbox: str) -> None:
    """Found before it listens, said after, and served."""
    file = quarry_file(tmp_path, world, sandbox, models=left_open(world, "haiku-support", "gpt-oss-import"))
    async with serving(file, world) as process:
        found = [await process.line("identified", after) for after in range(2)]
        async with client_of(process) as client:
            reply = await client.post("/v1/chat/completions", json=ASK)
        await process.stop(signal.SIGINT)

    assert process.lines[0]["event"] == "listening"
    assert [(line["target"], line["family"], line["negotiated"]) for line in found] == [
        ("haiku-support", "claude", False),
        ("gpt-oss-import", "openai_chat", True),
    ]
    assert reply.status_code == 200


async def test_a_start_that_aws_does_not_help_is_refused(tmp_path: Path, world: World, sandbox: str) -> None:
    """Nothing listens; the message says which permission is missing and what to write instead; exit code 1."""
    world.faults.plant("no", faults.Error(name="AccessDeniedException", match=faults.Match(operation="Get*")))
    file = quarry_file(tmp_path, world, sandbox, models=left_open(world, "haiku-support"))

    process = await quarry("serve", "--config", file, world=world)
    code = await process.ended()

    assert code == 1
    assert process.lines == []
    assert "allow this gateway the IAM action bedrock:GetProvisionedModelThroughput on it" in process.errors
    assert "such as `family: claude`" in process.errors
    assert "Traceback" not in process.errors


async def test_a_reload_finds_open_families_first(tmp_path: Path, world: World, sandbox: str) -> None:
    """What is new is asked about before anything is swapped; what AWS does not tell keeps the running one."""
    file = quarry_file(tmp_path, world, sandbox)
    async with serving(file, world) as process, client_of(process) as client:
        world.faults.plant("no", faults.Error(name="AccessDeniedException", match=faults.Match(operation="GetImportedModel")))
        quarry_file(tmp_path, world, sandbox, models=left_open(world, "titan-support", "gpt-oss-import"))
        process.process.send_signal(signal.SIGHUP)
        refused = await process.line("reload_refused")
        kept = await client.get("/v1/models")

        quarry_file(tmp_path, world, sandbox, models=left_open(world, "titan-support"))
        process.process.send_signal(signal.SIGHUP)
        await process.line("reloaded")
        found = await process.line("identified")
        swapped = await client.get("/v1/models")

    assert "IAM action bedrock:GetImportedModel" in refused["problems"][0]
    assert len(kept.json()["data"]) > 2
    assert (found["target"], found["family"]) == ("titan-support", "titan")
    assert [entry["id"] for entry in swapped.json()["data"]] == ["titan-support"]
