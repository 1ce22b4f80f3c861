"""``quarry serve`` as a process of its own, over a sandbox in the test's event loop."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters import EMBEDDERS, FAMILIES
from gateway.sandbox.world import World
from tests.stack import SECRET, digest

LONGEST_SECONDS = 20  # for anything a process is waited for: a bound on a hang, not a promise


class Process:
    """A running ``quarry``, and what it has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url = ""
        self.lines: list[dict[str, Any]] = []
        self.errors = ""
        self._seen = asyncio.Event()
        self._reading = [asyncio.create_task(self._read_lines()), asyncio.create_task(self._read_errors())]

    async def line(self, event: str, after: int = 0) -> dict[str, Any]:
        """The line of an event, once it is there; the first, or the one ``after`` so many."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while len(found := [line for line in self.lines if line["event"] == event]) <= after:
                self._seen.clear()
                await self._seen.wait()
        return found[after]

    async def ended(self) -> int:
        """Wait for the end; the exit code."""
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.gather(*self._reading)
            return await self.process.wait()

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it, and wait for the end."""
        self.process.send_signal(number)
        return await self.ended()

    async def _read_lines(self) -> None:
        async for line in self.process.stdout or ():
            self.lines.append(json.loads(line))  # every line is JSON, or the test that waits for one fails here
            self._seen.set()

    async def _read_errors(self) -> None:
        if self.process.stderr is not None:
            self.errors = (await self.process.stderr.read()).decode()


def quarry_file(folder: Path, world: World, sandbox_url: str, **sections: Any) -> Path:
    """A ``quarry.yaml`` with one alias for every model of the world, one key, and these sections beside or instead."""
    models = {
        model.name: {"targets": [{"arn": model.arn, "family": model.asked_as}]}
        for model in world.shelf.entries
        if model.asked_as in FAMILIES or model.asked_as in EMBEDDERS
    }
    values = {
        "server": {"host": "127.0.0.1", "port": 0},
        "aws": {"region": world.region, "endpoint_urls": {"bedrock-runtime": sandbox_url, "bedrock": sandbox_url}},
        "models": models,
        "keys": [{"name": "test", "hash": digest(SECRET), "scopes": ["invoke", "metrics"]}],
    }
    file = folder / "quarry.yaml"
    file.write_text(json.dumps(values | sections))  # YAML can be read that is JSON
    return file


async def quarry(*arguments: object, world: World | None = None, **variables: str) -> Process:
    """Start ``quarry`` with every warning an error."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "QUARRY_"))}
    if world is not None:
        credentials = world.credentials
        environ |= {"AWS_ACCESS_KEY_ID": credentials.access_key_id, "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key}
    return Process(
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-m", "gateway", *map(str, arguments)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environ | variables,
        )
    )


@asynccontextmanager
async def serving(file: Path, world: World, **variables: str) -> AsyncIterator[Process]:
    """``quarry serve`` over a file, from its ``listening`` line on; killed at the end if it still runs."""
    process = await quarry("serve", "--config", file, world=world, **variables)
    try:
        process.url = (await process.line("listening"))["url"]
        yield process
    finally:
        if process.process.returncode is None:
            process.process.kill()
        await process.ended()
