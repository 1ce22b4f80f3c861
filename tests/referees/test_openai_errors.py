"""Every error of ours behind a real socket, as the official clients see it: the type they raise, its fields, and whether they repeat."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import openai
import pytest
import uvicorn

from adapters.chat import ChatRequest, Message, Text
from gateway import errors
from gateway.call import Call
from gateway.errors import GatewayError
from gateway.keys.model import Key
from gateway.surface import problems
from gateway.surface.openai.render import Events

QUESTION: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
RETRIES = 2


def classes(root: type[GatewayError] = GatewayError) -> list[type[GatewayError]]:
    """The whole tree, whichever room a class lives in, as far as it is the gateway's own."""
    found = [root, *(each for child in root.__subclasses__() for each in classes(child))]
    return [kind for kind in found if kind.__module__.startswith("gateway.")]


EVERY = classes()
# What the SDK raises for a status; every other one of 500 and more is its InternalServerError.
TYPED: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    405: openai.APIStatusError,
    413: openai.APIStatusError,
    415: openai.APIStatusError,
    429: openai.RateLimitError,
}
# What is worth sending again as it stands. All else would end the same, or pay for the same work twice.
REPEATED = {
    errors.GatewayError,
    errors.UpstreamThrottled,
    errors.UpstreamError,
    errors.UpstreamUnavailable,
    errors.PromptNotWritten,  # another target may well write it
    errors.ModelNotReady,
    errors.NoTargetAvailable,
    errors.Overloaded,
}


class Patient:
    """What both clients share here: they wait for nothing between two requests."""

    def _calculate_retry_timeout(self, *_: Any, **__: Any) -> float:
        return 0.0


class AsyncClient(Patient, openai.AsyncOpenAI):
    """The official client."""


class SyncClient(Patient, openai.OpenAI):
    """The official client without asyncio."""


class Failing:
    """An ASGI application whose paths begin with a class's name, and that answers with one of these; it counts what comes."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _, name, way, *_ = scope["path"].split("/")
        self.requests[f"{name}/{way}"] += 1
        while (await receive()).get("more_body"):
            pass
        error = made(next(kind for kind in EVERY if kind.__name__ == name))
        status, body, headers = streamed(error) if way == "event" else problems.envelope(error)
        named = [*headers, (b"x-request-id", b"req-7"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": body})


def streamed(error: GatewayError) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """The error as the last event of a stream that had begun."""
    request = ChatRequest(messages=(Message("user", (Text("hi"),)),))
    key = Key(id="k", name="k", owner="o", hash="0")
    call = Call(id="req-7", key=key, alias="m", request=request, received_at=0.0, stream=True)
    return 200, Events(call, 0).error(error), [(b"content-type", b"text/event-stream")]


class Served(NamedTuple):
    """The application, and where it is."""

    app: Failing
    url: str

    def options(self, path: str) -> dict[str, Any]:
        """The arguments of a client for one of its paths."""
        return {"base_url": f"{self.url}/{path}/v1", "api_key": "k", "max_retries": RETRIES}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The application on a loopback port, in a thread of its own: one for all the tests."""
    app = Failing()
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none", access_log=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield Served(app, f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            server.should_exit = server.force_exit = True
            thread.join(20)


def made(kind: type[GatewayError]) -> GatewayError:
    """One of a kind, with everything that it can carry."""
    if kind is problems.MethodNotAllowed:
        return problems.MethodNotAllowed("POST")
    return kind("What to change", parameter="messages[0]", retry_after_seconds=0.4, detail="arn:aws:hidden")


def ask_in_thread(options: dict[str, Any], **more: Any) -> openai.APIError:
    """What the client without asyncio raises."""
    with SyncClient(**options) as client, pytest.raises(openai.APIError) as caught:
        for _ in client.chat.completions.create(**QUESTION, **more):
            pass
    return caught.value


async def ask(options: dict[str, Any], **more: Any) -> openai.APIError:
    """What the client with asyncio raises."""
    async with AsyncClient(**options) as client:
        with pytest.raises(openai.APIError) as caught:
            async for _ in await client.chat.completions.create(**QUESTION, **more):
                pass
    return caught.value


@pytest.mark.parametrize("kind", EVERY, ids=[kind.__name__ for kind in EVERY])
async def test_every_class_is_the_clients_own_error(served: Served, kind: type[GatewayError]) -> None:
    """Type, status, code, param, message and request id arrive, whole and streamed, and it is sent again only where that helps."""
    path, error = f"{kind.__name__}/status", made(kind)
    options = served.options(path)
    raised = [
        await ask(options),
        await ask(options, stream=True),
        await asyncio.to_thread(ask_in_thread, options),
        await asyncio.to_thread(ask_in_thread, options, stream=True),
    ]

    expected = TYPED.get(kind.status, openai.InternalServerError)
    for found in raised:
        assert type(found) is expected
        assert isinstance(found, openai.APIStatusError)
        assert (found.status_code, found.code, found.type) == (kind.status, kind.code, kind.type)
        assert found.param == error.parameter
        assert found.request_id == "req-7"
        assert str(error) in found.message
        assert "arn:" not in found.message
    assert served.app.requests[path] == len(raised) * (1 + RETRIES if kind in REPEATED else 1)


@pytest.mark.parametrize("kind", EVERY, ids=[kind.__name__ for kind in EVERY])
async def test_every_class_is_an_error_in_a_stream_too(served: Served, kind: type[GatewayError]) -> None:
    """Once the status is gone: the client raises what the event says, and never asks again for what it has half read."""
    path, error = f"{kind.__name__}/event", made(kind)
    options = served.options(path)
    raised = [await ask(options, stream=True), await asyncio.to_thread(ask_in_thread, options, stream=True)]

    for found in raised:
        assert type(found) is openai.APIError
        assert (found.code, found.type, found.param) == (kind.code, kind.type, error.parameter)
        assert found.message == str(error)
    assert served.app.requests[path] == len(raised)


def test_the_statuses_are_the_contracts() -> None:
    """No class has a status that the clients have no word for, and the table here names only classes there are."""
    assert {kind.status for kind in EVERY} == {400, 401, 403, 404, 405, 413, 415, 429, 500, 502, 503, 504}
    assert set(EVERY) >= REPEATED
