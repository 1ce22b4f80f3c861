"""The iterator of attempts: what ends a request, what another attempt may mend."""

import pytest

from adapters.errors import MalformedReply, UnsupportedParameter
from gateway.errors import (
    DeadlineExceeded,
    GatewayError,
    InvalidRequest,
    ModelFailed,
    ModelNotReady,
    NoTargetAvailable,
    UpstreamError,
    UpstreamThrottled,
)
from gateway.registry.model import ColdStart, Route, Target
from gateway.routing.attempts import Attempts


class Clock:
    """Time that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def route(alias: str, *targets: str, patience_seconds: float = 300.0) -> Route:
    return Route(
        alias=alias,
        targets=tuple(
            Target(
                name=name,
                arn="arn:aws:bedrock:us-west-2:123456789012:imported-model/0a1b2c3d4e5f",
                region="us-west-2",
                kind="imported-model",
                family="llama3",
                priority=place,
                cold_start=ColdStart(patience_seconds=patience_seconds),
            )
            for place, name in enumerate(targets)
        ),
    )


def attempts(*routes: Route, clock: Clock, seconds: float = 600.0) -> Attempts:
    return Attempts(routes, deadline=clock.now + seconds, now=clock, sleep=clock.sleep, random=lambda: 0.0)


async def walk(over: Attempts, errors: dict[str, list[Exception]]) -> list[str]:
    """Make every attempt fail with the next error of its target; one without errors left succeeds."""
    asked = []
    async for attempt in over:
        asked.append(attempt.target.name)
        with attempt:
            if errors.get(attempt.target.name):
                raise errors[attempt.target.name].pop(0)
    return asked


async def test_stops_after_an_attempt_that_did_not_fail() -> None:
    """The first success is the last attempt."""
    assert await walk(attempts(route("a", "one", "two"), clock=Clock()), {}) == ["one"]


@pytest.mark.parametrize(
    "error", [UpstreamThrottled("x"), UpstreamError("x"), MalformedReply("x")], ids=lambda e: type(e).__name__
)
async def test_a_retryable_failure_moves_on_to_the_next_target(error: Exception) -> None:
    """Throttled, broken and nonsense are mended elsewhere."""
    asked = await walk(attempts(route("a", "one", "two"), clock=Clock()), {"one": [error]})

    assert asked == ["one", "two"]


async def test_fallback_aliases_come_after_every_target_of_the_route() -> None:
    """A fallback is the last resort."""
    over = attempts(route("a", "one", "two"), route("b", "three"), clock=Clock())

    assert await walk(over, {"one": [UpstreamError("x")], "two": [UpstreamError("x")]}) == ["one", "two", "three"]


@pytest.mark.parametrize(
    "error",
    [InvalidRequest("x"), ModelFailed("x"), UnsupportedParameter("x", parameter="seed")],
    ids=lambda e: type(e).__name__,
)
async def test_what_no_target_can_mend_ends_the_request(error: Exception) -> None:
    """The caller's mistakes, and work already paid for, are not repeated."""
    with pytest.raises(type(error)):
        await walk(attempts(route("a", "one", "two"), clock=Clock()), {"one": [error]})


async def test_a_stand_in_that_cannot_say_it_does_not_blame_the_caller() -> None:
    """After a failure, a target of another family that refuses the request is passed over; the failure is what is heard."""
    refusal = UnsupportedParameter("no tools here", parameter="tools")
    over = attempts(route("a", "one", "two", "three"), clock=Clock())

    assert await walk(over, {"one": [UpstreamThrottled("x")], "two": [refusal]}) == ["one", "two", "three"]
    with pytest.raises(UpstreamThrottled, match="first"):
        await walk(attempts(route("a", "one", "two"), clock=Clock()), {"one": [UpstreamThrottled("first")], "two": [refusal]})


async def test_nothing_is_retried_after_the_first_delta() -> None:
    """Once something has gone to the caller, an error is final."""
    with pytest.raises(UpstreamError):
        async for attempt in attempts(route("a", "one", "two"), clock=Clock()):
            with attempt:
                attempt.commit()
                raise UpstreamError("broken half way")


async def test_a_malformed_reply_after_the_first_delta_is_an_upstream_error() -> None:
    """The caller hears of a broken upstream in one word, wherever it was found out."""
    with pytest.raises(UpstreamError):
        async for attempt in attempts(route("a", "one"), clock=Clock()):
            with attempt:
                attempt.commit()
                raise MalformedReply("no terminal event")


async def test_the_last_error_is_what_the_caller_hears() -> None:
    """When everybody failed, the last failure is raised, not the first."""
    with pytest.raises(UpstreamThrottled, match="second"):
        await walk(
            attempts(route("a", "one", "two"), clock=Clock()),
            {"one": [UpstreamError("first")], "two": [UpstreamThrottled("second")]},
        )


async def test_a_cold_target_is_asked_again_until_it_is_warm() -> None:
    """Cold is a state: the same target, after the wait that it named, else our own."""
    clock = Clock()
    over = attempts(route("a", "cold"), clock=clock)
    cold: list[Exception] = [ModelNotReady("x"), ModelNotReady("x", retry_after_seconds=7)]

    assert await walk(over, {"cold": cold}) == ["cold", "cold", "cold"]
    assert clock.slept == [1.0, 7]
    assert over.cold_start_seconds == 8.0


async def test_the_waits_for_a_cold_target_grow() -> None:
    """A warm-up of a minute and a half costs a dozen requests, not fifty."""
    clock = Clock()

    await walk(attempts(route("a", "cold"), clock=clock), {"cold": [ModelNotReady("x") for _ in range(7)]})

    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]


async def test_patience_with_a_cold_target_ends() -> None:
    """No wait is begun that would outlast the patience; then the next target is asked."""
    clock = Clock()
    over = attempts(route("a", "cold", "warm", patience_seconds=5), clock=clock)

    assert await walk(over, {"cold": [ModelNotReady("x") for _ in range(9)]}) == ["cold", "cold", "cold", "warm"]
    assert clock.slept == [1.0, 2.0]


async def test_a_model_that_stays_cold_says_so() -> None:
    """At the end of all patience the caller hears ``model_not_ready``, not a deadline."""
    with pytest.raises(ModelNotReady):
        await walk(attempts(route("a", "cold"), clock=Clock(), seconds=3), {"cold": [ModelNotReady("x") for _ in range(9)]})


async def test_no_attempt_begins_after_the_deadline() -> None:
    """Time spent on one target is not there for the next."""
    clock = Clock()
    with pytest.raises(DeadlineExceeded):
        async for attempt in attempts(route("a", "one", "two"), clock=clock, seconds=10):
            with attempt:
                clock.now += 11
                raise UpstreamError("slow and broken")


async def test_a_route_without_willing_targets_has_nobody_to_ask() -> None:
    """Every weight at zero is a 503, not a hang."""
    off = Route(alias="a", targets=())

    with pytest.raises(NoTargetAvailable):
        await walk(attempts(off, clock=Clock()), {})


async def test_attempts_are_numbered_over_all_targets() -> None:
    """``x-quarry-attempts`` counts every try, wherever it went."""
    numbers = []
    async for attempt in attempts(route("a", "one", "two"), route("b", "three"), clock=Clock()):
        numbers.append(attempt.number)
        with attempt:
            if attempt.number < 3:
                raise GatewayErrorRetryable
    assert numbers == [1, 2, 3]


class GatewayErrorRetryable(GatewayError):
    """Any retryable error at all."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("x")
