"""Every failure as boto3 raises it: AWS's own typed exceptions, repeated only where repeating can mend something."""

import asyncio
import json
from contextlib import closing
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, EventStreamError

from gateway import errors
from gateway.errors import GatewayError
from gateway.sandbox import faults
from gateway.sandbox.world import World
from gateway.settings import ColdStart, Route, Target, Timeouts
from gateway.surface.bedrock.problems import NAMES, envelope, exception_frame, name_of
from tests.referees.bedrock.calls import ASK, client, invoke
from tests.referees.sandbox.calls import BODIES
from tests.stack import LIMITED_SECRET, Stack, stack_over

UPSTREAM = [
    (faults.Throttle(), "ThrottlingException", 429),
    (faults.Error(name="ServiceUnavailableException"), "ServiceUnavailableException", 503),
    (faults.Error(name="InternalServerException"), "InternalServerException", 500),
    (faults.Error(name="ModelErrorException", original_status_code=500), "ModelErrorException", 424),
    (faults.Error(name="ModelTimeoutException"), "ModelTimeoutException", 408),
    (faults.Error(name="AccessDeniedException"), "ModelErrorException", 424),
    (faults.Error(name="ResourceNotFoundException"), "ModelErrorException", 424),
    (faults.Error(name="ServiceQuotaExceededException"), "ModelErrorException", 424),
    (faults.Error(name="ValidationException", message="Malformed input request"), "ValidationException", 400),
    (faults.Error(name="ValidationException", message="Input is too long for requested model."), "ValidationException", 400),
    (faults.Coral200(), "InternalServerException", 500),
    (faults.Reset(), "InternalServerException", 500),
]


def _name(value: object) -> str | None:
    if isinstance(value, faults.Error):
        return value.name + (f" {value.message[:8]}" if value.message else "")
    return type(value).__name__ if isinstance(value, faults.Fault) else None


def operations(runtime: Any) -> dict[str, Any]:
    """Each of the four, asked of one alias."""
    body = json.dumps(BODIES["haiku-support"])
    return {
        "InvokeModel": lambda: runtime.invoke_model(modelId="haiku-support", body=body),
        "InvokeModelWithResponseStream": lambda: runtime.invoke_model_with_response_stream(modelId="haiku-support", body=body),
        "Converse": lambda: runtime.converse(modelId="haiku-support", **ASK),
        "ConverseStream": lambda: runtime.converse_stream(modelId="haiku-support", **ASK),
    }


@pytest.mark.parametrize(("fault", "name", "status"), UPSTREAM, ids=_name)
async def test_what_fails_upstream(stack: Stack, runtime: Any, fault: faults.Fault, name: str, status: int) -> None:
    """All four raise the same typed exception, with the status that AWS has for it, in our words."""
    stack.plant(fault)
    for operation, ask in operations(runtime).items():
        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(ask)

        error = caught.value
        assert type(error) is getattr(runtime.exceptions, name), operation
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert error.response["ResponseMetadata"]["RequestId"] == stack.lines()[-1]["request_id"]
        assert "arn:" not in str(error)
        assert "123456789012" not in str(error)
        if isinstance(fault, faults.Error) and fault.message and "too long" in fault.message:
            assert "Input is too long for requested model" in str(error)  # what clients look for


async def test_whose_fault_it_was(stack: Stack, runtime: Any) -> None:
    """The record goes by the error, not by the status that an SDK needs: a 424 of the model's is no refusal of the caller's."""
    stack.plant(faults.Error(name="ModelErrorException"))
    with pytest.raises(ClientError):
        await asyncio.to_thread(runtime.converse, modelId="haiku-support", **ASK)
    with pytest.raises(ClientError):
        await asyncio.to_thread(runtime.converse, modelId="nowhere", **ASK)

    assert [(line["outcome"], line["status"]) for line in stack.lines()] == [("failed", 424), ("refused", 404)]


OURS: dict[str, tuple[dict[str, Any], str, int]] = {
    "an unknown alias": ({"modelId": "nowhere"}, "ResourceNotFoundException", 404),
    "a field that nobody knows": ({"additionalModelRequestFields": {"colour": "red"}}, "ValidationException", 400),
    "a guardrail of the caller's": (
        {"guardrailConfig": {"guardrailIdentifier": "abc123", "guardrailVersion": "1"}},
        "ValidationException",
        400,
    ),
    "more tokens than there are": ({"inferenceConfig": {"maxTokens": 999_999}}, "ValidationException", 400),
}


@pytest.mark.parametrize(("change", "name", "status"), OURS.values(), ids=OURS.keys())
async def test_what_we_refuse(stack: Stack, runtime: Any, change: dict[str, Any], name: str, status: int) -> None:
    """The caller's to mend, before the model is asked."""
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(runtime.converse, **({"modelId": "haiku-support"} | ASK | change))

    assert type(caught.value) is getattr(runtime.exceptions, name)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert all(member in str(caught.value) for member in change if member != "modelId")
    assert not stack.asked()


async def test_what_changes_no_answer_is_named(runtime: Any) -> None:
    """Accepted, not honoured, and said so in a header."""
    more = {"additionalModelRequestFields": {"seed": 7}, "requestMetadata": {"team": "search"}}
    reply = await asyncio.to_thread(runtime.converse, modelId="haiku-support", **ASK, **more)

    assert reply["ResponseMetadata"]["HTTPHeaders"]["x-quarry-ignored-parameters"] == (
        "requestMetadata, additionalModelRequestFields.seed"
    )


async def test_keys(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of ours, and one that may not use the alias: both are denied access, before the model is asked."""
    for secret in ("qk_nobody_guess", LIMITED_SECRET):
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", secret)
        runtime = client(stack.url)
        with pytest.raises(runtime.exceptions.AccessDeniedException):
            await asyncio.to_thread(runtime.converse, modelId="haiku-support", **ASK)

    assert not stack.asked()


async def test_a_body_too_large(stack: Stack, runtime: Any) -> None:
    """Above ``server.max_body_bytes``, as AWS says it."""
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(invoke, runtime, "haiku-support", {"prompt": "x" * 1_100_000})

    assert caught.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


async def test_a_cold_model(world: World) -> None:
    """At the end of patience: AWS's own name for it, with when to come back."""
    qwen = world.shelf.find("qwen-import")
    route = Route(targets=(Target(arn=qwen.arn, family=qwen.family, cold_start=ColdStart(patience_seconds=0), name="sleepy"),))
    async with stack_over(world, models={"sleepy": route}) as stack:
        stack.plant(faults.NotReady())
        runtime = client(stack.url)
        with pytest.raises(runtime.exceptions.ModelNotReadyException) as caught:
            await asyncio.to_thread(runtime.converse, modelId="sleepy", **ASK)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


async def test_the_deadline(world: World) -> None:
    """A request whose time has run out is not repeated by the SDK, whatever its retry mode."""
    haiku = world.shelf.find("haiku-support")
    target = Target(arn=haiku.arn, family=haiku.family, name="slow")
    slow = Route(targets=(target,), timeouts=Timeouts(total_seconds=0.3, first_token_seconds=60))
    async with stack_over(world, models={"slow": slow}) as stack:
        stack.plant(faults.SlowFirstToken(seconds=30))
        runtime = client(stack.url, retries={"mode": "standard", "total_max_attempts": 3})
        with pytest.raises(runtime.exceptions.ModelTimeoutException):
            await asyncio.to_thread(runtime.converse, modelId="slow", **ASK)

        assert len(stack.lines()) == 1


@pytest.mark.parametrize("mode", ["legacy", "standard"])
@pytest.mark.parametrize(
    ("fault", "attempts"),
    [(UPSTREAM[0][0], 2), (UPSTREAM[2][0], 2), (UPSTREAM[3][0], 1), (UPSTREAM[5][0], 1), (UPSTREAM[8][0], 1)],
    ids=_name,
)
async def test_what_botocore_repeats(stack: Stack, mode: str, fault: faults.Fault, attempts: int) -> None:
    """A throttle and a failure of the service; not a model's failure, our own misconfiguration, or a bad request."""
    stack.plant(fault)
    runtime = client(stack.url, retries={"mode": mode, "total_max_attempts": 2})
    with pytest.raises(ClientError):
        await asyncio.to_thread(runtime.converse, modelId="haiku-support", **ASK)

    assert len(stack.lines()) == attempts


WOUNDS = [
    (faults.CloseWithoutEnd(after_chunks=4), "internalServerException", "internalServerException"),
    (faults.BadCrc(after_chunks=4), "internalServerException", "internalServerException"),
    (faults.ExceptionFrame(after_chunks=4), "modelStreamErrorException", "modelStreamErrorException"),
    (faults.ExceptionFrame(after_chunks=4, name="throttlingException"), "throttlingException", "throttlingException"),
    (
        faults.ExceptionFrame(after_chunks=4, name="serviceUnavailableException"),
        "serviceUnavailableException",
        "serviceUnavailableException",
    ),
    (faults.ExceptionFrame(after_chunks=4, name="validationException"), "validationException", "validationException"),
    (faults.ExceptionFrame(after_chunks=4, name="modelTimeoutException"), "modelTimeoutException", "modelStreamErrorException"),
]


@pytest.mark.parametrize(
    ("fault", "native", "converse"), WOUNDS, ids=[f"{type(fault).__name__} {name}" for fault, name, _ in WOUNDS]
)
async def test_inside_a_stream(stack: Stack, runtime: Any, fault: faults.Fault, native: str, converse: str) -> None:
    """After the first frame an error is an exception frame of a name that the stream's model has; boto3 raises it."""
    stack.plant(fault)

    def names() -> list[str]:
        found = []
        asks = operations(runtime)
        for operation, stream in (("InvokeModelWithResponseStream", "body"), ("ConverseStream", "stream")):
            with closing(asks[operation]()[stream]) as events, pytest.raises(EventStreamError) as caught:
                list(events)
            found.append(caught.value.response["Error"]["Code"])
            assert "arn:" not in str(caught.value)
        return found

    assert await asyncio.to_thread(names) == [native, converse]
    assert [line["outcome"] for line in stack.lines()] == ["cut", "cut"]


UNKNOWN = {
    "CountTokens": ("POST", "/bedrock/model/haiku-support/count-tokens"),
    "ApplyGuardrail": ("POST", "/bedrock/guardrail/abc/version/1/apply"),
    "an async invocation": ("POST", "/bedrock/async-invoke"),
    "no operation": ("POST", "/bedrock/model/haiku-support"),
    "no alias": ("POST", "/bedrock/model//converse"),
    "nothing": ("GET", "/bedrock/"),
    "another case": ("POST", "/bedrock/model/haiku-support/Converse"),
    "a suffix": ("POST", "/bedrock/model/haiku-support/converse;x=1"),
}


@pytest.mark.parametrize(("method", "path"), UNKNOWN.values(), ids=UNKNOWN.keys())
async def test_an_unknown_operation(http: httpx.AsyncClient, stack: Stack, method: str, path: str) -> None:
    """AWS's name for it, with a key or without one; nothing reaches a model."""
    for headers in ({}, {"authorization": "Bearer nobody"}):
        reply = await http.request(method, path, headers=headers, content=b"{}" if method == "POST" else None)

        assert (reply.status_code, reply.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
        assert reply.headers["x-amzn-requestid"] == reply.headers["x-request-id"]
    assert not stack.asked()


async def test_another_method(http: httpx.AsyncClient) -> None:
    """The four are asked by POST alone."""
    reply = await http.get("/bedrock/model/haiku-support/converse")

    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert reply.headers["x-amzn-errortype"] == "UnknownOperationException"


def classes(root: type[GatewayError] = GatewayError) -> list[type[GatewayError]]:
    return [root, *(each for child in root.__subclasses__() for each in classes(child))]


OWN = [kind for kind in classes() if kind.__module__.startswith("gateway.")]
RETRIED = {429, 500, 502, 503, 504}  # by botocore, in every mode


@pytest.mark.parametrize("kind", OWN, ids=[kind.__name__ for kind in OWN])
def test_every_error_has_a_name(kind: type[GatewayError]) -> None:
    """Whatever we raise has a name of AWS's, keeps its detail, and is repeated only if trying again may help."""
    error = kind("POST", detail="arn:aws:bedrock") if kind.__name__ != "MethodNotAllowed" else kind("POST")
    status, body, headers = envelope(error)
    name, expected = name_of(error)

    assert dict(headers)[b"x-amzn-errortype"].decode() == name
    assert status == expected
    assert b"arn:" not in body
    if kind in {errors.ModelFailed, errors.UpstreamRefused, errors.ModelTimedOut, errors.DeadlineExceeded}:
        assert status not in RETRIED
    assert exception_frame(error, converse=True)


def test_money_that_is_spent_is_not_asked_for_again() -> None:
    """Two refusals share a status on OpenAI's side; an SDK of AWS's must repeat the one and not the other."""

    class Limited(GatewayError):
        status, type = 429, "rate_limit_error"

    class Spent(GatewayError):
        status, type = 429, "insufficient_quota"

    assert name_of(Limited("x")) == ("ThrottlingException", 429)
    assert name_of(Spent("x")) == ("ServiceQuotaExceededException", 400)
    assert set(NAMES) <= set(OWN)


def test_when_to_come_back() -> None:
    """Whole seconds for people and proxies, milliseconds for the SDKs that honour them."""
    _, _, headers = envelope(errors.UpstreamThrottled("x", retry_after_seconds=1.2))

    assert (dict(headers)[b"retry-after"], dict(headers)[b"x-amz-retry-after"]) == (b"2", b"2000")
