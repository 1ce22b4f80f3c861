"""Any exception in Anthropic's envelope, so that its SDKs raise their own typed one: before a reply and inside a stream.

The status decides what the SDK raises, and whether it tries again by itself: 408, 409, 429 and 5xx, unless
``x-should-retry`` says otherwise. Anthropic pairs each type with one status, and so does this table: whatever is unavailable
for a while (overload, a draining gateway, a model that is still cold, no target in service) is ``overloaded_error`` with 529,
which the SDK raises as ``OverloadedError`` and repeats, after ``retry-after``. With OpenAI's 503 clients that go by the
status would not know it.

Source: https://docs.anthropic.com/en/api/errors, read 2026-11-27; anthropic 2.14.0, ``_error_classes.py``, ``_base_client.py``.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from gateway import errors
from gateway.call import Call
from gateway.errors import GatewayError
from gateway.surface import problems
from gateway.surface.anthropic.parse import Notes
from gateway.surface.anthropic.wire.replies import ErrorObject, ErrorResponse
from gateway.surface.problems import Headers
from gateway.surface.spelling import Spelling, respelled

SPELLING: Spelling = {
    "stop": "stop_sequences",
    "max_completion_tokens": "max_tokens",
    "reasoning": "thinking",
    "reasoning_tokens": "thinking.budget_tokens",
    "reasoning_effort": "output_config.effort",
    "reasoning_details": "the thinking blocks",
    "response_format": "output_config.format",
    "response_format.strict": "output_config.format.strict",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "messages": "messages",
    "metadata": "quarry.variables",  # chat's place for an alias's variables; Anthropic's own field of that name has but one member
    "metadata.user_id": "metadata.user_id",
}
"""Chat's names of parameters to Anthropic's. A canonical turn is not always one of the caller's: places lose their numbers."""

_HINTS = {"reasoning_effort": ' (thinking of type "adaptive" asks for it)'}


class Word(NamedTuple):
    """Anthropic's type of an error, and the status that it comes with."""

    type: str
    status: int


_API_ERROR = Word("api_error", 500)
_OVERLOADED = Word("overloaded_error", 529)

WORDS: Mapping[type[GatewayError], Word] = {
    GatewayError: _API_ERROR,
    errors.InvalidRequest: Word("invalid_request_error", 400),
    errors.BodyTooLarge: Word("request_too_large", 413),
    errors.UnsupportedEncoding: Word("invalid_request_error", 415),
    problems.UnknownPath: Word("not_found_error", 404),
    problems.MethodNotAllowed: Word("invalid_request_error", 405),
    errors.NotAuthenticated: Word("authentication_error", 401),
    errors.ModelNotAllowed: Word("permission_error", 403),
    errors.ModelNotFound: Word("not_found_error", 404),
    errors.UpstreamThrottled: Word("rate_limit_error", 429),
    errors.UpstreamError: Word("api_error", 502),
    errors.ModelNotReady: _OVERLOADED,
    errors.NoTargetAvailable: _OVERLOADED,
    errors.Overloaded: _OVERLOADED,
    errors.DeadlineExceeded: Word("timeout_error", 504),
}
"""By class; a class that is not here goes by its nearest ancestor, or by its status."""

_STATUSES: Mapping[int, Word] = {402: Word("billing_error", 402), 429: Word("rate_limit_error", 429), 503: _OVERLOADED}

# Clients tell a prompt that is too long by Anthropic's words, since its type says nothing.
_TOO_LONG = "prompt is too long: "


def word_of(error: GatewayError) -> Word:
    """Anthropic's word for an error of ours."""
    kind = next(kind for kind in type(error).__mro__ if kind in WORDS)
    if kind is not GatewayError or error.status == _API_ERROR.status:
        return WORDS[kind]
    other = "api_error" if error.status > _API_ERROR.status else "invalid_request_error"
    return _STATUSES.get(error.status, Word(other, error.status))


def envelope(error: Exception, request_id: str = "") -> tuple[int, bytes, Headers]:
    """The status, the body and the headers that answer this error; the headers are those of ``problems.envelope``."""
    error = respelled(error, SPELLING, _HINTS)
    _, _, headers = problems.envelope(error)
    shown = problems.presentable(error)
    word = word_of(shown)
    text = f"{_TOO_LONG}{shown}" if isinstance(shown, errors.ContextTooLong) else str(shown)
    body = ErrorResponse(ErrorObject(word.type, text), request_id or None)
    return word.status, msgspec.json.encode(body), headers


def as_sent(error: Exception, call: Call) -> Exception:
    """An error in the words of this call: thinking can be asked for in two places."""
    names = call.notes.names if isinstance(call.notes, Notes) else {}
    return respelled(error, {**SPELLING, **names}, {}) if names else error


def error_event(error: Exception, request_id: str) -> bytes:
    """The last event of a reply that failed. Nothing may follow it."""
    _, body, _ = envelope(error, request_id)
    return b"event: error\ndata: " + body + b"\n\n"
