"""Which imported models are loaded. Knows the sandbox's clock and ARNs, never requests.

As AWS documents Custom Model Import: a model without calls is removed from its hardware; the next call starts its
restoration and is refused with ``ModelNotReadyException`` until that is done.
"""

from typing import Literal

from gateway.sandbox.clock import Clock

State = Literal["cold", "warming", "warm"]


class Warmth:
    """Cold, warming or warm, per ARN. What was never spoken of is cold.

    Attributes:
        warm_after_seconds: From the first call to a cold model until it answers, on the sandbox's clock.
        idle_seconds: A warm model with no call for longer than this is cold again.
    """

    def __init__(self, clock: Clock, *, warm_after_seconds: float = 30.0, idle_seconds: float = 300.0) -> None:
        self.warm_after_seconds = warm_after_seconds
        self.idle_seconds = idle_seconds
        self._clock = clock
        self._ready_at: dict[str, float] = {}
        self._used_at: dict[str, float] = {}

    def state(self, arn: str) -> State:
        """The state now; asking changes nothing."""
        ready_at = self._ready_at.get(arn)
        now = self._clock.now()
        if ready_at is None:
            return "cold"
        if now < ready_at:
            return "warming"
        idle = now - max(ready_at, self._used_at.get(arn, ready_at))
        return "cold" if idle > self.idle_seconds else "warm"

    def admit(self, arn: str) -> bool:
        """Take note of a call: ``True`` if the model can answer it; a call to a cold model starts the restoration."""
        state = self.state(arn)
        if state == "warm":
            self._used_at[arn] = self._clock.now()
        elif state == "cold":
            self._ready_at[arn] = self._clock.now() + self.warm_after_seconds
            self._used_at.pop(arn, None)
        return state == "warm"

    def heat(self, arn: str) -> None:
        """Make it warm at once, as if it had just been called."""
        self._ready_at[arn] = self._used_at[arn] = self._clock.now()

    def cool(self, arn: str) -> None:
        """Make it cold at once."""
        self._ready_at.pop(arn, None)
        self._used_at.pop(arn, None)
