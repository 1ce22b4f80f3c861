"""Fixtures for whoever needs the whole service: a gateway over a sandbox, real sockets on loopback."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox.world import World
from tests.stack import Stack, stack_over

# Where nothing gives AWS's SDKs credentials they ask the machine's metadata address, which is none of a test's business. A
# session reads this once, and some live as long as the process.
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


@pytest.fixture
def world() -> World:
    """A sandbox whose cold model needs a moment, not half a minute."""
    return World(warm_after_seconds=0.5)


@pytest.fixture
async def stack(world: World) -> AsyncIterator[Stack]:
    """A gateway over the world as it is."""
    async with stack_over(world) as running_stack:
        yield running_stack


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A plain HTTP client with a good key."""
    async with httpx.AsyncClient(base_url=stack.url, headers=stack.headers, timeout=30) as client:
        yield client


@pytest.fixture
def within() -> Callable[..., Any]:
    """Wait until something is so, at most five seconds: far longer than any promise it checks."""

    async def until(question: Callable[[], Any]) -> Any:
        for _ in range(1000):
            if answer := question():
                return answer
            await asyncio.sleep(0.005)
        raise AssertionError("it never happened")

    return until
