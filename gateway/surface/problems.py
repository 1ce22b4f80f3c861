"""Any exception into what a caller may see of it. The only writer of error envelopes; it knows no endpoint and no log.

Our own errors are shown as they were raised, their ``detail`` never; everything else is an ``internal_error`` without a
word of what it was. Statuses, types and codes are the classes' own (design 4.3).
"""

import math
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException

from adapters.errors import MalformedReply, RequestRefused
from gateway.errors import (
    DeadlineExceeded,
    GatewayError,
    GuardrailFailed,
    InvalidRequest,
    ModelFailed,
    NotAuthenticated,
    UpstreamRefused,
)

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
CHALLENGE = (b"www-authenticate", b"Bearer")

LONGEST_PATH = 256  # of a caller's path, when it is quoted back
DO_NOT_RETRY = (b"x-should-retry", b"false")
# Statuses that the official SDKs repeat by themselves, where repeating is useless or paid for twice: the model has already
# worked on the request, our side is misconfigured, or the whole time that the route allows has passed once.
FINAL = (ModelFailed, UpstreamRefused, GuardrailFailed, DeadlineExceeded)
FINAL_TYPES = frozenset({"insufficient_quota"})


class UnknownPath(InvalidRequest):
    """Nothing answers at this path."""

    status = 404
    code = "unknown_url"
    word = "unknown_path"


class MethodNotAllowed(InvalidRequest):
    """The path is known, but not for this method.

    Attributes:
        allowed: The methods it is known for, as ``Allow`` lists them.
    """

    status = 405
    code = "method_not_allowed"
    word = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This path does not answer that method: use {allowed}")
        self.allowed = allowed


def envelope(error: Exception, _request_id: str = "") -> tuple[int, bytes, Headers]:
    """The status, the body and the headers that answer this error.

    The headers hold ``content-type``, and where they apply ``retry-after`` (whole seconds, rounded up), ``x-should-retry``,
    ``allow`` and ``www-authenticate``; the length and the request id are the sender's.
    """
    shown = presentable(error)
    body = {"error": {"message": str(shown), "type": shown.type, "param": shown.parameter, "code": shown.code}}
    return shown.status, msgspec.json.encode(body), _headers(shown)


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for every ordinary route, and for paths and methods that nothing handles."""
    if isinstance(error, NotFoundException):
        error = UnknownPath(f"Nothing answers {request.scope['method']} {request.scope['path'][:LONGEST_PATH]}")
    status, body, headers = envelope(error)
    return Response(
        body,
        status_code=status,
        media_type="application/json",
        headers={name.decode(): value.decode() for name, value in headers if name != b"content-type"},
    )


def presentable(error: Exception) -> GatewayError:
    """What the caller may know of it."""
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, RequestRefused):
        return InvalidRequest(str(error), parameter=error.parameter)
    if isinstance(error, MalformedReply):
        return ModelFailed("The model's reply could not be read")
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _of_http(error)
    return GatewayError("Something went wrong in the gateway; quote the request id when you report it")


def _headers(shown: GatewayError) -> Headers:
    headers = [JSON]
    if shown.retry_after_seconds is not None:
        seconds = max(1, math.ceil(shown.retry_after_seconds))
        headers.append((b"retry-after", str(seconds).encode()))
    if isinstance(shown, FINAL) or shown.type in FINAL_TYPES:
        headers.append(DO_NOT_RETRY)
    if isinstance(shown, NotAuthenticated):
        headers.append(CHALLENGE)
    if isinstance(shown, MethodNotAllowed):
        headers.append((b"allow", shown.allowed.encode()))
    return headers


def _of_http(error: HTTPException) -> GatewayError:
    """The framework's own refusals, in our words: its text may quote what we would not."""
    if error.status_code == HTTPStatus.NOT_FOUND:
        return UnknownPath("Nothing answers at this path")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = [value for name, value in (error.headers or {}).items() if name.lower() == "allow"]
        return MethodNotAllowed(allowed[0] if allowed else "another one")
    return InvalidRequest("The request could not be read")
