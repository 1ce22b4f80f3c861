"""What a caller sees of an error, as its own SDK sees it."""

import json
from typing import Any

import msgspec
import openai
import pytest
from litestar import Litestar, get
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from adapters import errors as adapters_errors
from gateway import errors
from gateway.errors import GatewayError
from gateway.surface.openai import wire
from gateway.surface.problems import answer, envelope

CANARY = "arn:aws:bedrock:us-west-2:123456789012:imported-model/abc"


def classes(root: type[GatewayError] = GatewayError) -> list[type[GatewayError]]:
    return [root, *(each for child in root.__subclasses__() for each in classes(child))]


OURS = [kind for kind in classes() if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", OURS, ids=[kind.__name__ for kind in OURS])
def test_ours(kind: type[GatewayError]) -> None:
    """Trap 35: every error of ours is OpenAI's envelope with its class's status, type and code; its detail stays here."""
    status, body, headers = envelope(kind("What to do", parameter="n", detail=CANARY))

    shown = msgspec.json.decode(body, type=wire.ErrorEnvelope)
    assert status == kind.status
    assert shown.error == wire.Error("What to do", kind.type, "n", kind.code)
    assert dict(headers)[b"content-type"] == b"application/json"
    assert CANARY.encode() not in body


TRANSLATED = {
    "an adapter's refusal": (
        adapters_errors.UnsupportedParameter("no seed in this family", parameter="seed"),
        (400, "invalid_request_error", "seed", None, "no seed in this family"),
    ),
    "content that a family cannot read": (
        adapters_errors.UnsupportedContent("no images here", parameter="messages[0].content[1]"),
        (400, "invalid_request_error", "messages[0].content[1]", None, "no images here"),
    ),
    "a reply that is none (trap 11)": (
        adapters_errors.MalformedReply(f"garbage from {CANARY}"),
        (502, "server_error", None, "upstream_error", "The model's reply could not be read"),
    ),
    "a bug": (
        KeyError(CANARY),
        (
            500,
            "server_error",
            None,
            "internal_error",
            "Something went wrong in the gateway; quote the request id when you report it",
        ),
    ),
    "Litestar's 404": (
        NotFoundException(CANARY),
        (404, "invalid_request_error", None, "unknown_url", "Nothing answers at this path"),
    ),
    "Litestar's 405": (
        MethodNotAllowedException(headers={"allow": "POST"}),
        (405, "invalid_request_error", None, "method_not_allowed", "This path does not answer that method: use POST"),
    ),
    "Litestar's 4xx": (
        HTTPException(CANARY, status_code=413),
        (400, "invalid_request_error", None, None, "The request could not be read"),
    ),
    "Litestar's 5xx": (
        HTTPException(CANARY, status_code=503),
        (
            500,
            "server_error",
            None,
            "internal_error",
            "Something went wrong in the gateway; quote the request id when you report it",
        ),
    ),
}


@pytest.mark.parametrize(("error", "expected"), TRANSLATED.values(), ids=TRANSLATED.keys())
def test_translated(error: Exception, expected: tuple) -> None:
    """What others raise is shown in our words, and nothing of what only we should know."""
    status, body, _ = envelope(error)

    shown = msgspec.json.decode(body, type=wire.ErrorEnvelope).error
    assert (status, shown.type, shown.param, shown.code, shown.message) == expected
    assert CANARY.encode() not in body


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, None), (0.0, b"1"), (0.2, b"1"), (1.0, b"1"), (1.01, b"2"), (59.5, b"60")],
)
def test_retry_after(seconds: float | None, expected: bytes | None) -> None:
    """Whole seconds, never sooner than is useful, never zero; absent where nobody knows."""
    _, _, headers = envelope(errors.UpstreamThrottled("x", retry_after_seconds=seconds))

    assert dict(headers).get(b"retry-after") == expected


class BudgetSpent(GatewayError):
    """What a spent budget will be: OpenAI's type for it, which no retry mends."""

    status = 429
    type = "insufficient_quota"
    code = "budget_exceeded"


FINAL = {
    errors.ModelFailed: True,
    errors.UpstreamRefused: True,
    errors.DeadlineExceeded: True,
    errors.UpstreamTimeout: True,
    BudgetSpent: True,
    errors.UpstreamError: False,
    errors.UpstreamThrottled: False,
    errors.ModelNotReady: False,
    errors.Overloaded: False,
    errors.NoTargetAvailable: False,
}


@pytest.mark.parametrize(("kind", "final"), FINAL.items(), ids=[kind.__name__ for kind in FINAL])
def test_should_retry(kind: type[GatewayError], final: bool) -> None:
    """Trap 36, trap 37: SDKs are told not to repeat what is useless or paid for twice, and left alone otherwise."""
    _, _, headers = envelope(kind("x"))

    assert dict(headers).get(b"x-should-retry") == (b"false" if final else None)


def test_challenge() -> None:
    """A 401 says which scheme is wanted, as HTTP asks."""
    _, _, headers = envelope(errors.NotAuthenticated("x"))

    assert (b"www-authenticate", b"Bearer") in headers


def test_one_line() -> None:
    """An envelope fits one SSE line, whatever the message holds (S8)."""
    _, body, _ = envelope(errors.InvalidRequest('a\n\ndata: [DONE]\r\n"quoted"'))

    assert b"\n" not in body
    assert b"\r" not in body
    assert json.loads(body)["error"]["message"] == 'a\n\ndata: [DONE]\r\n"quoted"'


def answers(error: Exception) -> Any:
    """An ASGI application that answers everything with this error, and counts how often it was asked."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        app.asked += 1  # type: ignore[attr-defined]
        status, body, headers = envelope(error)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    app.asked = 0  # type: ignore[attr-defined]
    return app


SDK_ERRORS = {
    errors.InvalidRequest: openai.BadRequestError,
    errors.ContextTooLong: openai.BadRequestError,
    errors.NotAuthenticated: openai.AuthenticationError,
    errors.ModelNotAllowed: openai.PermissionDeniedError,
    errors.ModelNotFound: openai.NotFoundError,
    errors.UpstreamThrottled: openai.RateLimitError,
    errors.UpstreamError: openai.InternalServerError,
    errors.DeadlineExceeded: openai.InternalServerError,
    errors.Overloaded: openai.InternalServerError,
}


@pytest.mark.parametrize(("kind", "expected"), SDK_ERRORS.items(), ids=[kind.__name__ for kind in SDK_ERRORS])
async def test_sdk(served: Any, kind: type[GatewayError], expected: type[openai.APIStatusError]) -> None:
    """Trap 35: the official SDK raises its own typed error, with our code and parameter in its fields."""
    async with (
        served(answers(kind("What to do", parameter="model"))) as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client,
    ):
        with pytest.raises(expected) as caught:
            await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])

    assert (caught.value.status_code, caught.value.code, caught.value.param, caught.value.type) == (
        kind.status,
        kind.code,
        "model",
        kind.type,
    )


@pytest.mark.parametrize(("kind", "asked"), [(errors.ModelFailed, 1), (BudgetSpent, 1)], ids=["model failed", "budget"])
async def test_sdk_does_not_retry(served: Any, kind: type[GatewayError], asked: int) -> None:
    """Trap 37: the official SDK, left to its own two retries, obeys ``x-should-retry``."""
    app = answers(kind("no"))
    async with served(app) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k") as client:
        with pytest.raises(openai.APIStatusError):
            await client.models.list()

    assert app.asked == asked


@get("/v1/broken")
async def broken() -> None:
    """A handler with a bug."""
    raise RuntimeError(CANARY)


@get("/v1/limited")
async def limited() -> None:
    """A handler that refuses."""
    raise errors.Overloaded("Too busy", retry_after_seconds=2.5)


LITESTAR = {
    "unknown path": ("/v1/nothing", 404, "unknown_url"),
    "unknown path, escaped": ("/v1/%0d%0aset-cookie:x", 404, "unknown_url"),
    "not even ours": ("/favicon.ico", 404, "unknown_url"),
    "a bug": ("/v1/broken", 500, "internal_error"),
    "a refusal": ("/v1/limited", 503, "overloaded"),
}


@pytest.mark.parametrize(("path", "status", "code"), LITESTAR.values(), ids=LITESTAR.keys())
async def test_litestar(served: Any, path: str, status: int, code: str) -> None:
    """Litestar's ordinary routes, and paths that nobody handles, answer in the same envelope."""
    app = Litestar([broken, limited], openapi_config=None, logging_config=None, exception_handlers={Exception: answer})
    async with served(app) as url, openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.get(path, cast_to=object)

    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.response.headers["content-type"] == "application/json"
    assert caught.value.response.headers.get("retry-after") == ("3" if status == 503 else None)
    assert CANARY not in caught.value.response.text


async def test_litestar_method(served: Any) -> None:
    """A known path asked with another verb is a 405 that says which it knows."""
    app = Litestar([limited], openapi_config=None, logging_config=None, exception_handlers={Exception: answer})
    async with served(app) as url, openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.delete("/v1/limited", cast_to=object)

    assert (caught.value.status_code, caught.value.code) == (405, "method_not_allowed")
    assert "GET" in caught.value.response.headers["allow"]
