"""boto3 in front of a gateway over a sandbox: the three share nothing but sockets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.referees.bedrock.calls import client
from tests.stack import SECRET, Stack


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an application sets to be let in by a gateway's key."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
async def runtime(stack: Stack) -> AsyncIterator[Any]:
    """Unmodified boto3. Its calls block: ask it through ``asyncio.to_thread``."""
    made = client(stack.url)
    yield made
    made.close()
