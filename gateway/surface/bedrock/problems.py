"""Any exception in AWS's form, so that an AWS SDK raises its own typed one: before a reply and inside a stream.

The name decides what the SDK raises, the status whether it tries again by itself: botocore repeats 429 and 5xx in each of
its retry modes, and nothing else. So what a second try cannot mend, or would pay for twice, has a status that it leaves alone.
Statuses are those of botocore's service model; x-should-retry means nothing here.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from gateway import errors
from gateway.bedrock import frames
from gateway.errors import GatewayError
from gateway.keys import sigv4
from gateway.surface import problems
from gateway.surface.problems import JSON, Headers


class Name(NamedTuple):
    """AWS's name for an error, and the status that it comes with."""

    name: str
    status: int


_REFUSED = Name("AccessDeniedException", 403)
_THROTTLED = Name("ThrottlingException", 429)
_QUOTA = Name("ServiceQuotaExceededException", 400)
_FAILED = Name("ModelErrorException", 424)
_UNAVAILABLE = Name("ServiceUnavailableException", 503)
_INTERNAL = Name("InternalServerException", 500)

NAMES: Mapping[type[GatewayError], Name] = {
    GatewayError: _INTERNAL,
    errors.InvalidRequest: Name("ValidationException", 400),
    errors.BodyTooLarge: Name("RequestEntityTooLargeException", 413),
    problems.UnknownPath: Name("UnknownOperationException", 404),
    problems.MethodNotAllowed: Name("UnknownOperationException", 405),
    errors.NotAuthenticated: _REFUSED,
    sigv4.SignatureIncomplete: Name("IncompleteSignatureException", 403),
    sigv4.SignatureRefused: Name("InvalidSignatureException", 403),
    sigv4.SignerUnknown: Name("UnrecognizedClientException", 403),
    errors.ModelNotAllowed: _REFUSED,
    errors.ModelNotFound: Name("ResourceNotFoundException", 404),
    errors.UpstreamThrottled: _THROTTLED,
    errors.UpstreamError: _INTERNAL,
    errors.UpstreamUnavailable: _UNAVAILABLE,
    errors.UpstreamRefused: _FAILED,  # our side is misconfigured: no try of the caller's mends that
    errors.ModelFailed: _FAILED,
    errors.GuardrailFailed: _FAILED,
    errors.ModelNotReady: Name("ModelNotReadyException", 429),
    errors.NoTargetAvailable: _UNAVAILABLE,
    errors.Overloaded: _UNAVAILABLE,
    errors.DeadlineExceeded: Name("ModelTimeoutException", 408),
}
"""By class; a class that is not here goes by its nearest ancestor, or by its type."""

_TYPES: Mapping[str, Name] = {"rate_limit_error": _THROTTLED, "insufficient_quota": _QUOTA}

# What an exception frame may be called. Only an Invoke stream knows a time-out; a Converse stream's model failed.
_MEMBERS: Mapping[str, str] = {
    "ValidationException": "validationException",
    "ThrottlingException": "throttlingException",
    "ModelTimeoutException": "modelTimeoutException",
    "ModelErrorException": "modelStreamErrorException",
    "ServiceUnavailableException": "serviceUnavailableException",
}

# Clients tell a prompt that is too long by AWS's words, since its name says everything.
_TOO_LONG = "Input is too long for requested model. "


def name_of(error: GatewayError) -> Name:
    """AWS's name for an error of ours."""
    kind = next(kind for kind in type(error).__mro__ if kind in NAMES)
    return NAMES[kind] if kind is not GatewayError else _TYPES.get(error.type, _INTERNAL)


def envelope(error: Exception, _request_id: str = "") -> tuple[int, bytes, Headers]:
    """The status, the body and the headers that answer this error.

    The headers hold ``content-type``, ``x-amzn-errortype``, and where they apply ``retry-after`` (whole seconds) with
    ``x-amz-retry-after`` (milliseconds, which newer SDKs honour), and ``allow``.
    """
    shown = problems.presentable(error)
    name, status = name_of(shown)
    headers = [JSON, (b"x-amzn-errortype", name.encode())]
    if shown.retry_after_seconds is not None:
        seconds = max(1, math.ceil(shown.retry_after_seconds))
        headers += [(b"retry-after", b"%d" % seconds), (b"x-amz-retry-after", b"%d" % (seconds * 1000))]
    if isinstance(shown, problems.MethodNotAllowed):
        headers.append((b"allow", shown.allowed.encode()))
    return status, msgspec.json.encode({"message": _message(shown)}), headers


def exception_frame(error: Exception, *, converse: bool) -> bytes:
    """The last frame of a stream that failed. Nothing may follow it."""
    shown = problems.presentable(error)
    member = _MEMBERS.get(name_of(shown).name, "internalServerException")
    if converse and member == "modelTimeoutException":
        member = "modelStreamErrorException"
    headers = {":exception-type": member, ":content-type": "application/json", ":message-type": "exception"}
    return frames.encode(headers, msgspec.json.encode({"message": _message(shown)}))


def _message(shown: GatewayError) -> str:
    return f"{_TOO_LONG}{shown}" if isinstance(shown, errors.ContextTooLong) else str(shown)
