"""AWS's errors in our words: one table. Knows no socket, and shows no caller what AWS wrote.

The name decides, never the status: 429 is both a throttle and a cold model, 400 both a bad body and a spent quota. The
same names come as ``x-amzn-ErrorType`` before a reply and, with a small first letter, as exception frames inside one.

Source: botocore's service model of bedrock-runtime and recorded traffic, 2026-11; tests/gateway/bedrock/test_faults.py.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, field

from gateway.errors import (
    ContextTooLong,
    GatewayError,
    InvalidRequest,
    ModelFailed,
    ModelNotReady,
    ModelTimedOut,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_DETAIL_CHARACTERS = 2000
_MOST_RETRY_AFTER_SECONDS = 3600.0  # what asks for more is a mistake, or an attack on us


class Fault(NamedTuple):
    """What an AWS error is to us, and what the caller is told.

    Attributes:
        parameter: The field to change, where AWS's words name one, as OpenAI spells it.
    """

    error: type[GatewayError]
    message: str
    parameter: str | None = None


_THROTTLED = Fault(UpstreamThrottled, "The model's capacity at AWS is used up for the moment")
_FAILED = Fault(ModelFailed, "The model failed while answering")
_BROKEN = Fault(UpstreamError, "The model's service failed")
_AWAY = Fault(UpstreamUnavailable, "The model's service is not available for the moment")
_REFUSED = Fault(UpstreamRefused, "The model's service refuses this gateway; its operator has to look at the logs")
_NO_GUARDRAIL = Fault(
    UpstreamRefused,
    "The model's service knows no such guardrail; unless the request named it, this gateway's operator has to look at the logs",
)
_INVALID = Fault(InvalidRequest, "The model refused the request: its native body is not valid for this model")
_TOO_LONG = Fault(ContextTooLong, "The prompt and the answer asked for do not fit the model's context")
# What a family can say and one of its models cannot: only the model itself knows.
_THINKS_NOT = Fault(InvalidRequest, "This model cannot think aloud: leave reasoning_effort out", "reasoning_effort")
_HAS_NO_BUDGET = Fault(
    InvalidRequest, "This model takes no budget for thinking, and no effort here: leave reasoning_effort out", "reasoning_effort"
)
_ONE_SAMPLER = Fault(InvalidRequest, "This model takes temperature or top_p, not both: send one of them", "top_p")
_FORGED = Fault(
    InvalidRequest, "An earlier thought is not as the model sent it: send reasoning_details back unchanged", "messages"
)
_HAS_NO_FORMAT = Fault(InvalidRequest, "This model cannot be held to a schema", "response_format")
_CACHES_NOT = Fault(InvalidRequest, "This model caches no prompts: leave the cache points out")
_CALLS_NOT = Fault(InvalidRequest, "This model calls no tools: leave tools out", "tools")
_CALLS_WHOLE = Fault(InvalidRequest, "This model calls tools in whole replies only: ask again with stream set to false", "stream")
_CALLS_FREELY = Fault(
    InvalidRequest, "This model cannot be made to call a tool: leave tool_choice and response_format out", "tool_choice"
)
_SEES_NOT = Fault(InvalidRequest, "This model reads no images", "messages")
_READS_NOT = Fault(InvalidRequest, "This model reads no documents", "messages")
_OBEYS_NOT = Fault(InvalidRequest, "This model reads no system messages: say it in the first message of the user", "messages")
_REMEMBERS_NOT = Fault(InvalidRequest, "This model reads a single message of the user, and no conversation", "messages")
_TELLS_LESS = Fault(
    InvalidRequest, "This model generates fewer tokens than were asked for: ask for fewer", "max_completion_tokens"
)

FAULTS: Mapping[str, Fault] = {
    "ThrottlingException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "Throttling": _THROTTLED,
    "ModelNotReadyException": Fault(ModelNotReady, "The model is being loaded; it answers in a few minutes"),
    "ModelTimeoutException": Fault(ModelTimedOut, "The model took too long to answer"),
    "ModelErrorException": _FAILED,
    "ModelStreamErrorException": _FAILED,
    "ServiceUnavailableException": _AWAY,
    "ServiceUnavailable": _AWAY,
    "InternalServerException": _BROKEN,
    "InternalFailure": _BROKEN,
    "InternalServerError": _BROKEN,
    "ValidationException": _INVALID,
    "ValidationError": _INVALID,
    # From here on AWS refuses us, not the caller.
    "AccessDeniedException": _REFUSED,
    "AccessDenied": _REFUSED,
    "ResourceNotFoundException": _REFUSED,
    "ConflictException": _REFUSED,
    "ServiceQuotaExceededException": _REFUSED,
    "UnknownOperationException": _REFUSED,
    "UnrecognizedClientException": _REFUSED,
    "InvalidClientTokenId": _REFUSED,
    "ExpiredTokenException": _REFUSED,
    "ExpiredToken": _REFUSED,
    "InvalidSignatureException": _REFUSED,
    "SignatureDoesNotMatch": _REFUSED,
    "IncompleteSignature": _REFUSED,
    "IncompleteSignatureException": _REFUSED,
    "MissingAuthenticationToken": _REFUSED,
    "MissingAuthenticationTokenException": _REFUSED,
    "RequestExpired": _REFUSED,
    "NotAuthorized": _REFUSED,
    "OptInRequired": _REFUSED,
    "FTUFormNotFilled": _REFUSED,
}

# What a ValidationException's text says, since its name says everything from a long prompt to a deleted model.
_VALIDATION_TEXTS: tuple[tuple[str, Fault], ...] = (
    ("input is too long", _TOO_LONG),
    ("prompt is too long", _TOO_LONG),
    ("exceed context limit", _TOO_LONG),
    ("too many total text bytes", _TOO_LONG),
    ("too many input tokens", _TOO_LONG),
    ("maximum context length", _TOO_LONG),
    ("extraneous key [thinking]", _THINKS_NOT),
    ("extraneous key [reasoningconfig]", _THINKS_NOT),
    ("thinking: extra inputs are not permitted", _THINKS_NOT),
    ("does not support thinking", _THINKS_NOT),
    ("thinking.type.enabled", _HAS_NO_BUDGET),
    ("`temperature` and `top_p` cannot both", _ONE_SAMPLER),
    ("invalid `signature` in `thinking`", _FORGED),
    ("invalid `data` in `redacted_thinking`", _FORGED),
    ("extraneous key [output_config]", _HAS_NO_FORMAT),
    ("cache_control: extra inputs are not permitted", _CACHES_NOT),
    ("did not allow prompt caching", _CACHES_NOT),
    # Converse knows what its models lack, and says so in its own words.
    ("doesn't support tool use in streaming mode", _CALLS_WHOLE),
    ("doesn't support tool use", _CALLS_NOT),
    ("doesn't support the toolconfig.toolchoice", _CALLS_FREELY),
    ("doesn't support the image", _SEES_NOT),
    ("doesn't support the document", _READS_NOT),
    ("doesn't support documents", _READS_NOT),
    ("doesn't support the system", _OBEYS_NOT),
    ("doesn't support conversation history", _REMEMBERS_NOT),
    ("maximum tokens you requested exceeds the model limit", _TELLS_LESS),
    ("unsupported for streaming", Fault(InvalidRequest, "This model cannot stream: ask again with stream set to false")),
    # Callers of chat cannot name one: it is the alias's. Another target has the same, though maybe in another region.
    ("guardrail identifier", _NO_GUARDRAIL),
    ("model identifier is invalid", _REFUSED),
    ("with on-demand throughput", _REFUSED),
    ("doesn't support the model", _REFUSED),
)

# For replies that name no error we know: what stands between us and AWS has no names.
_STATUSES: Mapping[int, Fault] = {
    400: _INVALID,
    401: _REFUSED,
    403: _REFUSED,
    404: _REFUSED,
    407: _REFUSED,
    408: Fault(UpstreamTimeout, "The model's service gave up waiting for the request"),
    413: Fault(InvalidRequest, "The request is larger than the model's service accepts"),
    424: _FAILED,
    429: _THROTTLED,
}

_SIGNATURE_ERRORS = frozenset(
    {"InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed", "AuthFailure"}
)


class _Body(Struct):
    """The members of an error body that any AWS protocol uses."""

    type: Any = field(name="__type", default=None)
    code: Any = None
    message: Any = None
    shouted: Any = field(name="Message", default=None)


_body = msgspec.json.Decoder(_Body)


def from_reply(status: int, headers: Mapping[bytes, bytes], body: bytes) -> GatewayError:
    """The error that a reply other than 200 means.

    Args:
        headers: By lower-case name.
    """
    read = _read(body)
    name = _named(headers, read)
    text = _text(read, body)
    detail = (
        f"HTTP {status} {name or 'without a name'}: {text} (request {headers.get(b'x-amzn-requestid', b'?').decode('latin-1')})"
    )
    return _error(name, _STATUSES.get(status, _BROKEN), text, detail, retry_after_seconds(headers))


def from_frame(headers: Mapping[str, Any], payload: bytes) -> GatewayError | None:
    """The error that a frame inside a 200 means; ``None`` for an event.

    Two kinds: exceptions that Bedrock's model names, and errors that it does not.
    """
    kind = headers.get(":message-type")
    if kind == "event":
        return None
    read = _read(payload)
    name = _name(headers.get(":exception-type")) or _name(headers.get(":error-code")) or _name(read.type)
    text = str(headers.get(":error-message") or _text(read, payload))
    return _error(name, _BROKEN, text, f"{kind} frame {name}: {text}", None)


def error_name(headers: Mapping[bytes, bytes]) -> str:
    """AWS's name for the error, ``""`` without one: ``com.amazon.coral.service#ValidationException:http://…`` is cut out."""
    return _name(headers.get(b"x-amzn-errortype", b"").decode("latin-1"))


def name_of(headers: Mapping[bytes, bytes], body: bytes) -> str:
    """AWS's name for the error, from wherever the reply says it; ``""`` where it does not."""
    return _named(headers, _read(body))


def is_signature_error(headers: Mapping[bytes, bytes], body: bytes) -> bool:
    """Whether AWS refused the signature, for which a wrong clock is one cause."""
    name = error_name(headers) or _name(_read(body).type)
    return name in _SIGNATURE_ERRORS


def is_unknown_operation(body: bytes) -> bool:
    """Whether a 200 is AWS's "no such operation": ``{"Output": {"__type": "com.amazon.coral.service#Unknown…"}, …}``.

    Seen with an ARN whose slash was not encoded (BerriAI/litellm#3805); may come from a proxy that decodes paths, too.
    """
    return len(body) < 1024 and _CORAL.match(body) is not None


_CORAL = re.compile(rb'\s*\{\s*"Output"\s*:\s*\{\s*"__type"\s*:')


def retry_after_seconds(headers: Mapping[bytes, bytes]) -> float | None:
    """When AWS says to come back: ``x-amz-retry-after`` in milliseconds, else ``retry-after`` in seconds or as a date."""
    if (milliseconds := _number(headers.get(b"x-amz-retry-after"))) is not None:
        return min(milliseconds / 1000, _MOST_RETRY_AFTER_SECONDS)
    value = headers.get(b"retry-after")
    seconds = _number(value)
    if seconds is None and value is not None:
        seconds = _seconds_until(value, headers.get(b"date"))
    return None if seconds is None else min(seconds, _MOST_RETRY_AFTER_SECONDS)


def _error(name: str, otherwise: Fault, text: str, detail: str, retry_after: float | None) -> GatewayError:
    fault = FAULTS.get(name, otherwise)
    if fault is _INVALID or "did not allow prompt caching" in text:  # which AWS says as AccessDeniedException
        lower = text.lower()
        fault = next((fault for part, fault in _VALIDATION_TEXTS if part in lower), fault)
    return fault.error(
        fault.message, parameter=fault.parameter, retry_after_seconds=retry_after, detail=detail[:_DETAIL_CHARACTERS]
    )


def _named(headers: Mapping[bytes, bytes], read: _Body) -> str:
    return error_name(headers) or _name(read.type) or _name(read.code)


def _name(value: object) -> str:
    """``throttlingException``, ``…#ThrottlingException`` and ``ThrottlingException:http://…`` are one name."""
    if not isinstance(value, str):
        return ""
    name = value.partition(":")[0].rpartition("#")[2].strip()
    return name[:1].upper() + name[1:]


def _read(body: bytes) -> _Body:
    try:
        return _body.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Body()


def _text(read: _Body, body: bytes) -> str:
    text = read.message or read.shouted
    return text if isinstance(text, str) else body[:_DETAIL_CHARACTERS].decode(errors="replace")


def _number(value: bytes | None) -> float | None:
    return float(value) if value is not None and re.fullmatch(rb"\d{1,9}(\.\d{1,6})?", value) else None


def _seconds_until(value: bytes, date: bytes | None) -> float | None:
    """By the clock of whoever wrote both dates, so that ours does not matter."""
    try:
        span = parsedate_to_datetime(value.decode("latin-1")) - parsedate_to_datetime((date or b"").decode("latin-1"))
    except (ValueError, TypeError):
        return None
    return max(0.0, span.total_seconds())
