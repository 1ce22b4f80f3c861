"""Trying a route: an iterator of attempts, each a context manager that decides whether its error ends the request.

    async for attempt in Attempts(routes, ...):
        with attempt:
            ...ask attempt.target...
            attempt.commit()        # the first delta is on its way: from here an error is final

The iterator stops by itself after an attempt that did not fail, and raises the last error when nobody is left to ask.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from adapters.errors import MalformedReply, RequestRefused
from gateway.errors import DeadlineExceeded, GatewayError, ModelNotReady, NoTargetAvailable, UpstreamError
from gateway.registry.model import Route, Target
from gateway.routing import pick

COLD_WAIT_SECONDS = 1.0  # until the first look at a cold model that did not say how long it needs; each later wait is twice
COLD_WAIT_MOST_SECONDS = 10.0  # as long, up to this: warming takes a minute or two, and every look is a request to AWS


class Attempt:
    """One try at one target.

    Attributes:
        number: Starts at 1, counts over all targets of the request.
        error: Why it failed, once it has, if another attempt may follow.
    """

    __slots__ = ("_committed", "_earlier", "error", "number", "route", "target")

    def __init__(self, route: Route, target: Target, number: int, earlier: GatewayError | None) -> None:
        self.route = route
        self.target = target
        self.number = number
        self.error: GatewayError | None = None
        self._committed = False
        self._earlier = earlier

    def commit(self) -> None:
        """Something of this attempt's reply is going to the caller."""
        self._committed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        """Hold back an error that another attempt may mend; let every other through."""
        if isinstance(error, MalformedReply):
            failure = UpstreamError("The model's reply was malformed or incomplete", detail=str(error))
            if self._committed:
                raise failure from error
            self.error = failure
            return True
        if isinstance(error, GatewayError) and error.retryable and not self._committed:
            self.error = error
            return True
        if isinstance(error, RequestRefused) and self._earlier is not None:
            # A stand-in of another family that cannot say this. The caller's request was good: the first failure counts.
            self.error = self._earlier
            return True
        return False


class Attempts:
    """The attempts of one request, in order: the route's targets, then those of its fallbacks.

    A cold target is asked again until its patience or the deadline ends; every other failure moves on to the next target.

    Args:
        routes: The route asked for, then its fallbacks.
        deadline: Monotonic seconds after which no attempt begins.
        now: Monotonic clock.
        sleep: Waits for so many seconds.
        random: Draws from [0, 1).
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        deadline: float,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
    ) -> None:
        self.cold_start_seconds = 0.0
        self._plan: Iterator[tuple[Route, Target]] = (
            (route, target) for route in routes for target in pick.order(route.targets, random)
        )
        self._deadline = deadline
        self._now = now
        self._sleep = sleep
        self._current: Attempt | None = None
        self._cold_since: float | None = None
        self._cold_wait_seconds = COLD_WAIT_SECONDS

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Attempt:
        last = self._current
        if last is not None and last.error is None:
            raise StopAsyncIteration
        if last is not None and isinstance(last.error, ModelNotReady) and await self._waited_for_cold(last, last.error):
            return self._begin(last.route, last.target)
        self._cold_since = None
        for route, target in self._plan:
            return self._begin(route, target)
        raise self._last_word()

    def _begin(self, route: Route, target: Target) -> Attempt:
        if self._current is not None and self._now() >= self._deadline:
            raise self._last_word()
        last = self._current
        number, earlier = (last.number + 1, last.error) if last is not None else (1, None)
        self._current = Attempt(route, target, number, earlier)
        return self._current

    async def _waited_for_cold(self, attempt: Attempt, error: ModelNotReady) -> bool:
        """Wait for a cold target; False when patience or time would run out first."""
        began = self._now()
        if self._cold_since is None:
            self._cold_since = began
            self._cold_wait_seconds = COLD_WAIT_SECONDS
        wait = error.retry_after_seconds or self._cold_wait_seconds
        self._cold_wait_seconds = min(COLD_WAIT_MOST_SECONDS, 2 * self._cold_wait_seconds)
        patience_ends = self._cold_since + attempt.target.cold_start.patience_seconds
        if began + wait > min(patience_ends, self._deadline):
            return False
        await self._sleep(wait)
        self.cold_start_seconds += self._now() - began
        return True

    def _last_word(self) -> GatewayError:
        if self._current is None or self._current.error is None:
            return NoTargetAvailable("No target of this model can be asked now")
        error = self._current.error
        if isinstance(error, ModelNotReady) or self._now() < self._deadline:
            return error
        return DeadlineExceeded("The request's time ran out before any target answered", detail=str(error))
