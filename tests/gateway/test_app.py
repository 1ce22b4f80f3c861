"""The composition root: what holds for every route of the application, whoever wrote it."""

from itertools import product
from typing import Any

import httpx
import pytest

from gateway.app import CHATS
from gateway.configuration import check
from gateway.surface.openapi import document
from tests.stack import LIMITED_SECRET, Stack, digest, settings_for

DOCUMENTED = {path: {method.upper() for method in methods} for path, methods in document("1")["paths"].items()}
SERVED = DOCUMENTED | {
    "/healthz": {"GET", "HEAD"},
    "/readyz": {"GET", "HEAD"},
    "/v1/models/haiku-support": {"GET"},
}
PATHS = [*SERVED, "/nowhere", "/bedrock/nowhere", "/"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]


async def test_every_reply_has_a_request_id(http: httpx.AsyncClient) -> None:
    """Whatever the path and the method, and whatever comes back: the caller's well-formed id, else one of ours."""
    for path, method in product(PATHS, METHODS):
        own = await http.request(method, path)
        given = await http.request(method, path, headers={"x-request-id": "order-48213.a"})
        refused = await http.request(method, path, headers={"authorization": "", "x-request-id": "<script>"})

        assert own.headers.get_list("x-request-id")[0].startswith("req-")
        assert given.headers.get_list("x-request-id") == ["order-48213.a"]
        assert refused.headers.get_list("x-request-id")[0].startswith("req-")


async def test_every_method_has_an_answer(http: httpx.AsyncClient) -> None:
    """The methods that a path serves are served; another one is 405 with an ``Allow`` that is true; no path, no method: 404."""
    for path, method in product(PATHS, METHODS):
        served = SERVED.get(path, set())
        reply = await http.request(method, path)

        if not served:
            assert reply.status_code == 404
        elif method in served:
            assert reply.status_code != 405
        else:
            is_ordinary = path not in CHATS and not path.startswith("/bedrock/")  # Litestar answers OPTIONS by itself
            assert reply.status_code == (204 if method == "OPTIONS" and is_ordinary else 405)
            assert {name.strip() for name in reply.headers["allow"].split(",")} - {"OPTIONS"} == served
        if reply.status_code >= 400 and method != "HEAD" and path.startswith("/v1/messages"):
            assert (reply.json()["type"], set(reply.json()["error"])) == ("error", {"message", "type"})
        elif reply.status_code >= 400 and method != "HEAD" and not path.startswith("/bedrock/"):
            assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
        elif reply.status_code >= 400 and method != "HEAD":
            assert set(reply.json()) == {"message"}
            assert reply.headers["x-amzn-errortype"].endswith("Exception")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_probe_may_ask_by_head(http: httpx.AsyncClient, stack: Stack, path: str) -> None:
    """HEAD answers like GET, without a body, and without a key."""
    ready = await http.head(path, headers={"authorization": ""})
    stack.gateway.state.draining = True
    draining = await http.head(path)

    assert (ready.status_code, ready.content) == (200, b"")
    assert draining.status_code == (503 if path == "/readyz" else 200)


async def test_publish(http: httpx.AsyncClient, stack: Stack) -> None:
    """Other aliases and keys are in effect with the next request, all of them at once."""
    before = await http.get("/v1/models")
    settings = settings_for(stack.world, stack.url)
    alias, route = next(iter(settings.models.items()))
    key = type(settings.keys[0])(name="new", hash=digest(LIMITED_SECRET))
    fresh: dict[str, Any] = {"models": {f"team/{alias}:1": route}, "keys": (key,)}

    stack.gateway.publish(check(settings_for(stack.world, stack.url, **fresh), name="fresh"))
    after = await http.get("/v1/models")
    new = await http.get("/v1/models", headers={"authorization": f"Bearer {LIMITED_SECRET}"})

    assert len(before.json()["data"]) > 1
    assert after.status_code == 401
    assert [entry["id"] for entry in new.json()["data"]] == [f"team/{alias}:1"]


async def test_an_alias_may_hold_a_slash(http: httpx.AsyncClient, stack: Stack) -> None:
    """``client.models.retrieve`` finds an alias with "/" and ":" in it, and the wire's own spelling of it works too."""
    settings = settings_for(stack.world, stack.url)
    models = {"team/a:1": settings.models["haiku-support"]}
    stack.gateway.publish(check(settings_for(stack.world, stack.url, models=models), name="fresh"))

    found = await stack.client().models.retrieve("team/a:1")
    plain = await http.get("/v1/models/team/a:1")
    escaped = await http.get("/v1/models/team%2Fa%3A1")
    other = await http.get("/v1/models/team/a:2")

    assert found.id == plain.json()["id"] == escaped.json()["id"] == "team/a:1"
    assert (other.status_code, other.json()["error"]["code"]) == (404, "model_not_found")
