"""The aliases that a key sees."""

import hashlib
from types import SimpleNamespace
from typing import Any

import openai
import pytest
from litestar import Litestar

from gateway.keys.model import Key
from gateway.registry.model import Route, Snapshot
from gateway.surface.guard import Guard
from gateway.surface.openai.models import routes
from gateway.surface.problems import answer
from gateway.surface.reply_headers import identify

ALIASES = ("support-llama", "support-haiku", "sales-nova", "support-é v1.2", "support-eu/a:1", "support-//b/", "support-../c")


@pytest.fixture
def registry() -> SimpleNamespace:
    """Seven aliases, six of them for ``support-*``."""
    return SimpleNamespace(snapshot=Snapshot({alias: Route(alias, ()) for alias in ALIASES}, created_at=1_700_000_000))


@pytest.fixture
def app(key: Key, registry: SimpleNamespace) -> Litestar:
    scraper = Key(id="m", name="m", owner="o", hash=hashlib.sha256(b"scraper").hexdigest(), scopes=frozenset({"metrics"}))
    handlers = routes(Guard([key, scraper]), registry)
    return Litestar(
        handlers, openapi_config=None, logging_config=None, exception_handlers={Exception: answer}, before_send=[identify]
    )


async def test_list(served: Any, app: Litestar, secret: str) -> None:
    """A key sees the aliases that it may use, by name, and nothing else of them."""
    async with served(app) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=secret) as client:
        found = [model.model_dump(exclude_unset=True) async for model in client.models.list()]

    assert [model["id"] for model in found] == sorted(alias for alias in ALIASES if alias.startswith("support-"))
    assert found[3] == {"id": "support-haiku", "object": "model", "created": 1_700_000_000, "owned_by": "quarry"}


@pytest.mark.parametrize("alias", [alias for alias in ALIASES if alias.startswith("support-")])
async def test_one(served: Any, app: Litestar, secret: str, alias: str) -> None:
    """An alias of any spelling is found by its name."""
    async with served(app) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=secret) as client:
        assert (await client.models.retrieve(alias)).id == alias


async def test_request_id(served: Any, app: Litestar, secret: str) -> None:
    """Replies and refusals carry the caller's request id, or one of ours."""
    async with served(app) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=secret) as client:
        found = await client.models.retrieve("support-haiku", extra_headers={"x-request-id": "mine-1"})
        with pytest.raises(openai.NotFoundError) as caught:
            await client.models.retrieve("none")

    assert found._request_id == "mine-1"
    assert (caught.value.request_id or "").startswith("req-")


async def test_not_found(served: Any, app: Litestar, secret: str) -> None:
    """An alias of another team's and one that does not exist answer alike (S15)."""
    refusals = []
    async with served(app) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=secret) as client:
        for alias in ("sales-nova", "sales-none"):
            with pytest.raises(openai.NotFoundError, match="There is no model") as caught:
                await client.models.retrieve(alias)
            refusals.append((caught.value.status_code, caught.value.code, str(caught.value).replace(alias, "?")))

    assert refusals[0] == refusals[1]
    assert refusals[0][:2] == (404, "model_not_found")


async def test_no_key(served: Any, app: Litestar) -> None:
    """Without a key nobody learns which models there are."""
    async with served(app) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="guess", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()
        with pytest.raises(openai.AuthenticationError):
            await client.models.retrieve("support-haiku")


async def test_scope(served: Any, app: Litestar) -> None:
    """A key for metrics alone is told nothing of models."""
    async with served(app) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="scraper", max_retries=0) as client:
        with pytest.raises(openai.PermissionDeniedError):
            await client.models.list()


async def test_reload(served: Any, app: Litestar, registry: SimpleNamespace, secret: str) -> None:
    """A new snapshot is seen by the next request."""
    async with served(app) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=secret) as client:
        registry.snapshot = Snapshot({"support-new": Route("support-new", ())}, created_at=1)
        found = [model.id async for model in client.models.list()]

    assert found == ["support-new"]
