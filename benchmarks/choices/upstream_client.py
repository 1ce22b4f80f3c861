"""What a call to Bedrock costs through four clients: CPU microseconds of this process per request.

    .venv/bin/python benchmarks/choices/upstream_client.py [ROUNDS]

One stub in a process of its own answers all of them; rounds are interleaved, since a shared machine drifts. Each client
signs the request and yields the native chunks: ours, aiohttp and httpx with our signer and our frames, aiobotocore with
botocore's. Compare within one run only. The decision is docs/decisions/0003-upstream-client.md.
"""

import asyncio
import multiprocessing
import statistics
import sys
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe

import aiohttp
import httpx
import uvloop
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from yarl import URL

from gateway.bedrock.client import Client
from gateway.bedrock.credentials import Credentials, CredentialSource
from gateway.bedrock.frames import Decoder, encode, native_chunk
from gateway.bedrock.hosts import model_path
from gateway.bedrock.runtime import Runtime
from gateway.bedrock.signing import sign

ARN = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdef123456"
REGION = "us-east-1"
KEYS = Credentials("AKIDEXAMPLE", "secret")
BODY = b'{"prompt":"%b","max_gen_len":512}' % (b"x" * 1000)
REPLY = b'{"generation":"%b"}' % (b"y" * 600)
FRAMES = 64
CONCURRENCY = 32
REQUESTS = {"ours": (1600, 800), "aiohttp": (800, 400), "httpx": (160, 128), "aiobotocore": (160, 96)}

Call = Callable[[bool], Awaitable[int]]
"""Make one request, streamed or whole; return how many native chunks came."""


def canned() -> tuple[bytes, bytes]:
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    payload = b'{"bytes":"%b","p":"abcdefgh"}' % b64encode(b'{"generation":" token","stop_reason":null}')
    stream = encode(headers, payload) * FRAMES
    whole = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(REPLY), REPLY)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
    return whole, head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(stream), stream)


class Stub(asyncio.Protocol):
    """Answers a request as soon as its last byte is in."""

    whole, stream = canned()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, found, body = self.held.partition(b"\r\n\r\n")
        if found and len(body) >= len(BODY):
            self.held = b""
            self.transport.write(self.stream if b"-stream" in head[:200] else self.whole)  # type: ignore[attr-defined]


def serve(pipe: Pipe) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


def request(port: int, stream: bool) -> tuple[str, dict[str, str]]:
    path = model_path(ARN, stream=stream)
    accept = "x-amzn-bedrock-accept" if stream else "accept"
    headers = {"content-type": "application/json", accept: "application/json"}
    signed = sign(KEYS, host=f"127.0.0.1:{port}", path=path, body=BODY, headers=headers, region=REGION, at=time.time())
    return f"http://127.0.0.1:{port}{path}", signed


def ours(runtime: Runtime) -> Call:
    async def call(stream: bool) -> int:
        exchange = runtime.invoke(
            ARN,
            BODY,
            region=REGION,
            stream=stream,
            connect_seconds=5,
            first_byte_seconds=5,
            between_bytes_seconds=5,
            deadline=None,
        )
        async with exchange:
            return sum([len(chunks) async for chunks in exchange])

    return call


def through_aiohttp(session: aiohttp.ClientSession, port: int) -> Call:
    async def call(stream: bool) -> int:
        url, headers = request(port, stream)
        async with session.post(URL(url, encoded=True), data=BODY, headers=headers) as reply:
            if not stream:
                return len(await reply.read()) // len(REPLY)
            decoder = Decoder()
            return sum(
                [
                    sum(len(native_chunk(payload)) > 0 for _, payload in decoder.feed(data))
                    async for data in reply.content.iter_any()
                ]
            )

    return call


def through_httpx(client: httpx.AsyncClient, port: int) -> Call:
    async def call(stream: bool) -> int:
        url, headers = request(port, stream)
        async with client.stream("POST", url, content=BODY, headers=headers) as reply:
            if not stream:
                return len(await reply.aread()) // len(REPLY)
            decoder = Decoder()
            return sum(
                [sum(len(native_chunk(payload)) > 0 for _, payload in decoder.feed(data)) async for data in reply.aiter_raw()]
            )

    return call


def through_aiobotocore(client: object) -> Call:
    async def call(stream: bool) -> int:
        if not stream:
            reply = await client.invoke_model(modelId=ARN, body=BODY)  # type: ignore[attr-defined]
            return len(await reply["body"].read()) // len(REPLY)
        reply = await client.invoke_model_with_response_stream(modelId=ARN, body=BODY)  # type: ignore[attr-defined]
        return sum([len(event["chunk"]["bytes"]) > 0 async for event in reply["body"]])

    return call


async def cost(call: Call, stream: bool, requests: int) -> float:
    """CPU microseconds per request."""

    async def worker() -> None:
        for _ in range(requests // CONCURRENCY):
            assert await call(stream) == (FRAMES if stream else 1)

    await call(stream)
    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    return (time.process_time() - began) / (requests // CONCURRENCY * CONCURRENCY) * 1e6


async def measure(port: int, rounds: int) -> None:
    url = f"http://127.0.0.1:{port}"
    runtime = Runtime(Client(), CredentialSource(keys=KEYS), endpoint_urls={"bedrock-runtime": url})
    config = AioConfig(retries={"total_max_attempts": 1}, max_pool_connections=CONCURRENCY)
    botocore = get_session().create_client(
        "bedrock-runtime", REGION, endpoint_url=url, config=config,
        aws_access_key_id=KEYS.access_key, aws_secret_access_key=KEYS.secret_key,
    )  # fmt: skip
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with botocore as sdk, aiohttp.ClientSession() as session, httpx.AsyncClient(limits=limits) as client:
        calls = {
            "ours": ours(runtime),
            "aiohttp": through_aiohttp(session, port),
            "httpx": through_httpx(client, port),
            "aiobotocore": through_aiobotocore(sdk),
        }
        costs: dict[tuple[str, bool], list[float]] = {(name, stream): [] for name in calls for stream in (False, True)}
        for _ in range(rounds):
            for (name, stream), measured in costs.items():
                measured.append(await cost(calls[name], stream, REQUESTS[name][stream]))
    await runtime.aclose()
    report(costs)


def report(costs: dict[tuple[str, bool], list[float]]) -> None:
    print(
        f"CPU microseconds per request, min / median; {CONCURRENCY} at once; body {len(BODY)} B, reply {len(REPLY)} B or {FRAMES} frames"
    )
    print("| client | whole | stream |\n|---|---|---|")
    for name in REQUESTS:
        cells = [
            f"{min(measured):,.0f} / {statistics.median(measured):,.0f}" for measured in (costs[name, False], costs[name, True])
        ]
        print(f"| {name} | {cells[0]} | {cells[1]} |")


def main() -> None:
    here, there = multiprocessing.Pipe()
    stub = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    stub.start()
    try:
        uvloop.run(measure(here.recv(), int(sys.argv[1]) if len(sys.argv) > 1 else 3))
    finally:
        stub.terminate()
        stub.join()


if __name__ == "__main__":
    main()
