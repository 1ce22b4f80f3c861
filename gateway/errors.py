"""Every error a caller can be shown, one class per meaning.

GatewayError
├── InvalidRequest               400   the body
│   ├── ContextTooLong           400
│   ├── BodyTooLarge             413
│   └── UnsupportedEncoding      415
├── NotAuthenticated             401
├── ModelNotAllowed              403
├── ModelNotFound                404
├── UpstreamThrottled            429   AWS said no
├── UpstreamError                502   AWS or the model broke, or answered nonsense
│   ├── UpstreamUnavailable      502   AWS says that it is down for the moment
│   ├── UpstreamRefused          502   AWS refuses *us*: permissions, a deleted ARN, an account's quota
│   ├── ModelFailed              502   the model itself failed while answering
│   └── GuardrailFailed          502   the alias's guardrail could not be applied
├── PromptNotWritten             502   the model's own chat template broke its bounds over this conversation
├── ModelNotReady                503   an imported model is still cold
├── NoTargetAvailable            503
├── Overloaded                   503   us: too busy, or draining
└── DeadlineExceeded             504
    └── UpstreamTimeout          504   an attempt was silent for too long
        └── ModelTimedOut        504   AWS ended the model's work for its length

Class attributes are the public contract (design 4.3); messages are for people. Nothing here knows a wire format:
``surface/problems.py`` is the only writer of envelopes.
"""

from typing import ClassVar


class GatewayError(Exception):
    """The root: status, type and code are the caller's, ``word`` is the metric's.

    Attributes:
        parameter: The field at fault, as the caller spells it.
        retry_after_seconds: When trying again makes sense; ``None`` when nobody knows.
        detail: For the log alone (AWS's own words, ARNs); never shown to a caller.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = "internal_error"
    retryable: ClassVar[bool] = False  # another attempt, perhaps at another target, may succeed
    word: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str,
        *,
        parameter: str | None = None,
        retry_after_seconds: float | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.retry_after_seconds = retry_after_seconds
        self.detail = detail


class InvalidRequest(GatewayError):
    """The body says something we cannot do; the message names the value and what to change."""

    status = 400
    type = "invalid_request_error"
    code: ClassVar[str | None] = None
    word = "invalid_request"


class ContextTooLong(InvalidRequest):
    """Prompt and answer together do not fit the model."""

    code = "context_length_exceeded"
    word = "context_length"


class BodyTooLarge(InvalidRequest):
    """More bytes than ``server.max_body_bytes``."""

    status = 413
    code = "body_too_large"
    word = "body_too_large"


class UnsupportedEncoding(InvalidRequest):
    """A compressed body: we do not inflate what a caller sends, since a few bytes may become gigabytes."""

    status = 415
    code = "unsupported_encoding"
    word = "unsupported_encoding"


class NotAuthenticated(GatewayError):
    """No key, or one we do not know."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"
    word = "not_authenticated"


class ModelNotAllowed(GatewayError):
    """The key may not use this alias, or lacks the scope."""

    status = 403
    type = "permission_error"
    code = "model_not_allowed"
    word = "not_allowed"


class ModelNotFound(GatewayError):
    """No alias of that name."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"
    word = "model_not_found"


class UpstreamThrottled(GatewayError):
    """AWS refused for the account's or the model's quota."""

    status = 429
    type = "rate_limit_error"
    code = "upstream_throttled"
    retryable = True
    word = "throttled"


class UpstreamError(GatewayError):
    """AWS failed, or its reply was no reply: retrying elsewhere may help."""

    status = 502
    code = "upstream_error"
    retryable = True
    word = "upstream"


class UpstreamUnavailable(UpstreamError):
    """AWS itself says that its service is down for the moment."""


class UpstreamRefused(UpstreamError):
    """AWS refused our side of the call: permissions, a deleted ARN, a quota. Another target may not."""

    word = "upstream_refused"


class ModelFailed(UpstreamError):
    """The model failed at this request; the work was done, and paid for, so it is not repeated blindly."""

    retryable = False
    word = "model_failed"


class GuardrailFailed(UpstreamError):
    """What the alias's guardrail has not seen goes nowhere. The model may have been paid already, so nothing is repeated."""

    retryable = False
    word = "guardrail_failed"


class PromptNotWritten(GatewayError):
    """A chat template, or a tokenizer, that the model brought took more time or memory than it may. Another target's may not."""

    status = 502
    code = "upstream_error"
    retryable = True
    word = "prompt_not_written"


class ModelNotReady(GatewayError):
    """An imported model is being restored. A state, not a failure."""

    status = 503
    code = "model_not_ready"
    retryable = True
    word = "not_ready"


class NoTargetAvailable(GatewayError):
    """The route has nobody left to ask."""

    status = 503
    code = "no_target_available"
    word = "no_target"


class Overloaded(GatewayError):
    """We are full, or draining."""

    status = 503
    code = "overloaded"
    word = "overloaded"


class DeadlineExceeded(GatewayError):
    """The request's time ran out."""

    status = 504
    code = "deadline_exceeded"
    word = "deadline"


class UpstreamTimeout(DeadlineExceeded):
    """One attempt was silent for too long; the request itself may still have time for another target."""

    retryable = True
    word = "upstream_timeout"


class ModelTimedOut(UpstreamTimeout):
    """AWS gave up on the model: long work, paid for, that would only be long again. It is not repeated blindly."""

    retryable = False
    word = "model_timeout"
