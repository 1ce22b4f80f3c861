"""Who asks for a response that was kept is told that none is."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from litestar import Litestar

from gateway.keys.model import Key
from gateway.surface.guard import Guard
from gateway.surface.openai.responses.stored import routes
from gateway.surface.problems import answer

KEY = Key(id="k", name="n", owner="o", hash=hashlib.sha256(b"secret").hexdigest())


@pytest.fixture
async def client(served: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client of the routes on a real socket."""
    app = Litestar(routes(Guard([KEY])), openapi_config=None, logging_config=None, exception_handlers={Exception: answer})
    async with served(app) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="secret", max_retries=0) as made:
        yield made


ASKED = {
    "retrieve": lambda responses: responses.retrieve("resp_1"),
    "delete": lambda responses: responses.delete("resp_1"),
    "cancel": lambda responses: responses.cancel("resp_1"),
    "input items": lambda responses: responses.input_items.list("resp_1"),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
async def test_nothing_is_stored(client: openai.AsyncOpenAI, ask: Any) -> None:
    """404 in OpenAI's envelope, which says what to do instead."""
    with pytest.raises(openai.NotFoundError, match="stores no responses") as caught:
        await ask(client.responses)

    assert caught.value.code == "response_not_found"


async def test_no_such_path(client: openai.AsyncOpenAI) -> None:
    """What OpenAI answers below responses, and nobody does here, is an unknown path."""
    with pytest.raises(openai.NotFoundError) as caught:
        await client.responses.compact(model="m")

    assert caught.value.code == "unknown_url"


async def test_nobody_asks_without_a_key(client: openai.AsyncOpenAI) -> None:
    """Not even what is not there is told to strangers."""
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="guess").responses.retrieve("resp_1")
