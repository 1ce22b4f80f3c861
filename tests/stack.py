"""A whole gateway over a whole sandbox, in the test's own event loop, over real sockets on loopback."""

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import openai
import uvicorn

from adapters import EMBEDDERS, FAMILIES
from gateway.app import Gateway, create, upstream
from gateway.configuration import check
from gateway.identification import identified
from gateway.protocol import Protocol
from gateway.sandbox.faults import Fault
from gateway.sandbox.log import Record
from gateway.sandbox.serve import running
from gateway.sandbox.world import World
from gateway.server import KEEP_ALIVE_SECONDS
from gateway.settings import Aws, Key, Route, Server, Settings, Target
from gateway.usage.logs import Log

SECRET = "qk_test_Zk3vN8pQ1sT5wY7aB2cD4eF6gH9jL0mR"
LIMITED_SECRET = "qk_limited_Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8"


class Stack(NamedTuple):
    """A running gateway and the sandbox behind it."""

    url: str
    world: World
    gateway: Gateway
    output: io.BytesIO
    exits: AsyncExitStack

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {SECRET}"}

    def client(self, **arguments: Any) -> openai.AsyncOpenAI:
        """The official client, which repeats nothing by itself."""
        client = openai.AsyncOpenAI(base_url=f"{self.url}/v1", **({"api_key": SECRET, "max_retries": 0} | arguments))
        self.exits.push_async_callback(client.close)
        return client

    def plant(self, fault: Fault, name: str = "fault") -> None:
        self.world.faults.plant(name, fault)

    def asked(self) -> list[Record]:
        """What the sandbox was asked, newest last."""
        return list(self.world.log)

    def lines(self, event: str = "request") -> list[dict[str, Any]]:
        """What the gateway has logged so far."""
        self.gateway.log.drain()
        return [line for line in map(json.loads, self.output.getvalue().splitlines()) if line["event"] == event]

    def metric(self, name: str, **labels: str) -> float:
        """One sample; 0 when it was never touched."""
        return self.gateway.metrics.registry.get_sample_value(name, labels) or 0.0


def digest(secret: str) -> str:
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()


def settings_for(world: World, url: str, **changes: Any) -> Settings:
    """One alias for every model of the world that a family here speaks to, and two keys."""
    models = {
        model.name: Route(targets=(Target(arn=model.arn, family=model.asked_as, region=world.region),))
        for model in world.shelf.entries
        if model.asked_as in FAMILIES or model.asked_as in EMBEDDERS
    }
    values: dict[str, Any] = {
        "server": Server(host="127.0.0.1", port=0, max_body_bytes=1_000_000),
        "aws": Aws(region=world.region, endpoint_urls={"bedrock-runtime": url, "bedrock": url}),
        "models": models,
        "keys": (
            Key(name="test", owner="team-test", hash=digest(SECRET), scopes=("invoke", "metrics")),
            Key(name="limited", hash=digest(LIMITED_SECRET), models=("titan-*",)),
        ),
    }
    return Settings(**(values | changes))


@asynccontextmanager
async def stack_over(world: World, *, s3_url: str | None = None, **changes: Any) -> AsyncIterator[Stack]:
    """Start both, over an S3 where one is given; a ``models`` change is added to the aliases of the world's models, its open
    families found.
    """
    async with AsyncExitStack() as exits:
        sandbox = running(world)
        url = await sandbox.__aenter__()
        more = changes.pop("models", {})
        if s3_url is not None:
            changes["aws"] = Aws(region=world.region, endpoint_urls={"bedrock-runtime": url, "bedrock": url, "s3": s3_url})
        settings = settings_for(world, url, **changes)
        settings = settings_for(world, url, **changes | {"models": {**settings.models, **more}})
        output = io.BytesIO()
        credentials = world.credentials
        environ = {"AWS_ACCESS_KEY_ID": credentials.access_key_id, "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key}
        log = Log(output)
        exits.callback(log.close)
        configuration = check(settings, name="test")
        aws = upstream(configuration, environ)
        configuration = await identified(configuration, aws.identities)  # nothing is asked where every family is written
        gateway = create(configuration, log=log, environ=environ, aws=aws)
        server = uvicorn.Server(
            uvicorn.Config(
                gateway.application,
                host="127.0.0.1",
                port=0,
                http=Protocol,
                ws="none",
                log_config=None,
                access_log=False,
                # As in production. uvicorn's own five seconds are as long as an httpx client keeps a connection: where a busy
                # machine stalls a test so long, the one is closed that the other is about to use.
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
            )
        )
        serving = asyncio.create_task(server._serve())
        exits.push_async_callback(_stop, server, serving, sandbox)
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Stack(f"http://127.0.0.1:{port}", world, gateway, output, exits)


async def _stop(server: uvicorn.Server, serving: asyncio.Task[None], sandbox: AbstractAsyncContextManager[str]) -> None:
    """Both at once: uvicorn takes its time over an end, and a stack ends after nearly every test here."""
    server.should_exit = True
    server.force_exit = True
    await asyncio.gather(serving, sandbox.__aexit__(None, None, None))
    await server.lifespan.shutdown()  # left out of a forced exit: a traceback of its task would stand below every failure
