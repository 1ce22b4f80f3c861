"""AWS's errors in our words: every name, wherever it stands, and nothing of AWS's text for a caller."""

import pytest

from gateway.bedrock import faults
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

# Name, the status AWS sends with it, what it is to us, whether another target may be asked.
NAMED = [
    ("ThrottlingException", 429, UpstreamThrottled, True),
    ("ModelNotReadyException", 429, ModelNotReady, True),
    ("ModelTimeoutException", 408, ModelTimedOut, False),
    ("ModelErrorException", 424, ModelFailed, False),
    ("ModelStreamErrorException", 424, ModelFailed, False),
    ("InternalServerException", 500, UpstreamError, True),
    ("ServiceUnavailableException", 503, UpstreamUnavailable, True),
    ("ValidationException", 400, InvalidRequest, False),
    ("ServiceQuotaExceededException", 400, UpstreamRefused, True),
    ("AccessDeniedException", 403, UpstreamRefused, True),
    ("ResourceNotFoundException", 404, UpstreamRefused, True),
    ("UnrecognizedClientException", 403, UpstreamRefused, True),
    ("ExpiredTokenException", 403, UpstreamRefused, True),
    ("InvalidSignatureException", 403, UpstreamRefused, True),
]


def reply(status=400, name=None, body=b'{"message":"because"}', **headers):
    sent = {key.replace("_", "-").encode(): value for key, value in headers.items()}
    if name is not None:
        sent[b"x-amzn-errortype"] = name.encode()
    return faults.from_reply(status, sent, body)


@pytest.mark.parametrize(("name", "status", "kind", "retryable"), NAMED, ids=[name for name, *_ in NAMED])
def test_name(name, status, kind, retryable):
    """Each of AWS's errors has one meaning here."""
    error = reply(status, name)

    assert (kind, retryable) == (type(error), error.retryable)


@pytest.mark.parametrize(("name", "status", "kind", "retryable"), NAMED, ids=[name for name, *_ in NAMED])
def test_name_before_status(name, status, kind, retryable):
    """The name decides, whatever status a proxy made of it."""
    assert kind is type(reply(502, name))


def test_models_own_errors():
    """Every error that botocore's model of the service names is in the table."""
    from botocore.session import Session

    model = Session().get_service_model("bedrock-runtime")
    named = {
        shape.name
        for operation in ("InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream")
        for shape in model.operation_model(operation).error_shapes
    }

    assert set() == named - set(faults.FAULTS)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/", b"{}"),
        ("com.amazon.coral.service#ThrottlingException", b"{}"),
        ("com.amazon.coral.service#ThrottlingException:http://x/y#z", b"{}"),
        ("throttlingException", b"{}"),
        (None, b'{"__type":"com.amazon.bedrock#ThrottlingException"}'),
        (None, b'{"code":"ThrottlingException","Message":"slow"}'),
    ],
)
def test_ways_to_say_a_name(name, body):
    """The header, however decorated, then the body, says what went wrong."""
    assert UpstreamThrottled is type(reply(418, name, body))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, UpstreamRefused),
        (403, UpstreamRefused),
        (404, UpstreamRefused),
        (408, UpstreamTimeout),
        (413, InvalidRequest),
        (424, ModelFailed),
        (429, UpstreamThrottled),
        (500, UpstreamError),
        (502, UpstreamError),
        (503, UpstreamError),
        (302, UpstreamError),
        (204, UpstreamError),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[]", b'{"code":7,"message":{}}', b'"x"'])
def test_status_without_a_name(status, kind, body):
    """What something between us and AWS answers is judged by its status, whatever its body is."""
    assert kind is type(reply(status, body=body))


TEXTS = [
    ("Input is too long for requested model.", ContextTooLong),
    ("input length and `max_tokens` exceed context limit: 199000 + 4096 > 200000", ContextTooLong),
    ("too many total text bytes: 30000000 > 25000000", ContextTooLong),
    ("400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: 9001", ContextTooLong),
    ("This model's maximum context length is 8192 tokens.", ContextTooLong),
    ("The model is unsupported for streaming", InvalidRequest),
    ("Malformed input request: 2 schema violations found, please reformat your input and try again.", InvalidRequest),
    ("The provided model identifier is invalid.", UpstreamRefused),
    ("The guardrail identifier or version provided in the request does not exist.", UpstreamRefused),
    (
        "Invocation of model ID x with on-demand throughput isn't supported. Retry your request with an inference profile",
        UpstreamRefused,
    ),
]


@pytest.mark.parametrize(("text", "kind"), TEXTS)
def test_validation(text, kind):
    """A ValidationException's text tells a prompt that is too long, and a model we configured wrongly, from a bad body."""
    http = reply(400, "ValidationException", b'{"message":"%b"}' % text.encode())
    frame = faults.from_frame(
        {":message-type": "exception", ":exception-type": "validationException"}, b'{"message":"%b"}' % text.encode()
    )

    assert (kind, kind) == (type(http), type(frame))


ERRORS = "The model returned the following errors: "
NAMED_FIELDS = [
    ("Malformed input request: #: extraneous key [thinking] is not permitted, please reformat", "reasoning_effort"),
    (ERRORS + "claude-3-5-haiku-20241022 does not support thinking.", "reasoning_effort"),
    ("'thinking.type.enabled' is not supported for this model. Use 'thinking.type.adaptive'", "reasoning_effort"),
    (ERRORS + "`temperature` and `top_p` cannot both be specified for this model. Please use only one.", "top_p"),
    (ERRORS + "messages.1.content.0: Invalid `signature` in `thinking` block", "messages"),
    (ERRORS + "messages.1.content.0: Invalid `data` in `redacted_thinking` block", "messages"),
    ("Malformed input request: #: extraneous key [output_config] is not permitted, please reformat", "response_format"),
    (ERRORS + "system.0.cache_control: Extra inputs are not permitted", None),
    (
        ERRORS + "Malformed input request: #/inferenceConfig: extraneous key [reasoningConfig] is not permitted",
        "reasoning_effort",
    ),
    ("This model doesn't support tool use in streaming mode.", "stream"),
    ("This model doesn't support tool use.", "tools"),
    ("This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try", "tool_choice"),
    ("This model doesn't support the image field for user messages. Remove image and try again", "messages"),
    ("This model doesn't support documents.", "messages"),
    ("This model doesn't support the system field. Remove it and try again.", "messages"),
    ("This model doesn't support conversation history. Try again with input containing one user message.", "messages"),
    ("The maximum tokens you requested exceeds the model limit of 2048. Try again with", "max_completion_tokens"),
]


@pytest.mark.parametrize(("text", "parameter"), NAMED_FIELDS)
def test_what_one_model_of_a_family_cannot_do(text, parameter):
    """What the family has and this model has not: a 400 in our words, with the caller's field in it."""
    error = reply(400, "ValidationException", b'{"message":"%b"}' % text.encode())

    assert (type(error), error.parameter) == (InvalidRequest, parameter)
    assert "native body" not in str(error)


@pytest.mark.parametrize(("status", "name"), [(403, "AccessDeniedException"), (400, "ValidationException")])
def test_a_cache_point_for_a_model_without_a_cache(status, name):
    """AWS words it as a lack of rights and means the request: the caller can mend it, another target could not."""
    text = b'{"message":"You invoked an unsupported model or your request did not allow prompt caching. See the documentation"}'
    error = reply(status, name, text)

    assert (type(error), str(error)) == (InvalidRequest, "This model caches no prompts: leave the cache points out")


@pytest.mark.parametrize("name", [*faults.FAULTS, "Unheard"])
@pytest.mark.parametrize("status", [400, 403, 429, 500])
def test_callers_see_nothing_of_aws(name, status):
    """AWS's words, with ARNs and account numbers in them, go to the log and not to the caller."""
    text = "User: arn:aws:iam::123456789012:role/x is too long to be authorized"

    error = reply(status, name, b'{"message":"%b"}' % text.encode(), x_amzn_requestid=b"r-9")

    assert isinstance(error, GatewayError)
    assert "123456789012" not in str(error)
    assert "arn:" not in str(error)
    assert name not in str(error)
    assert text in error.detail
    assert "r-9" in error.detail


def test_detail_is_bounded():
    """A megabyte of error does not become a megabyte of log."""
    assert len(reply(500, body=b"x" * 1_000_000).detail) <= 2000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": b"7"}, 7.0),
        ({"retry_after": b"0"}, 0.0),
        ({"x_amz_retry_after": b"1500"}, 1.5),
        ({"x_amz_retry_after": b"250", "retry_after": b"7"}, 0.25),
        ({"retry_after": b"Sun, 22 Nov 2026 12:00:30 GMT", "date": b"Sun, 22 Nov 2026 12:00:00 GMT"}, 30.0),
        ({"retry_after": b"Sun, 22 Nov 2026 12:00:00 GMT", "date": b"Sun, 22 Nov 2026 12:00:30 GMT"}, 0.0),
        ({"retry_after": b"Sun, 22 Nov 2026 12:00:30 GMT"}, None),
        ({"retry_after": b"soon"}, None),
        ({"retry_after": b"-1"}, None),
        ({"retry_after": b"nan"}, None),
        ({"retry_after": b"\xff"}, None),
        ({"retry_after": b"999999999"}, 3600.0),
    ],
)
def test_retry_after(headers, seconds):
    """AWS's own header in milliseconds, then HTTP's in seconds or as a date; nonsense is nothing."""
    assert seconds == reply(429, "ThrottlingException", **headers).retry_after_seconds


def test_events_are_no_faults():
    """A frame that is an event is none, whatever it holds."""
    assert faults.from_frame({":message-type": "event", ":event-type": "chunk"}, b'{"message":"ValidationException"}') is None
