"""The sandbox's time, which may be pushed forward or made to run fast. Must never be used to check signatures."""

import time
from collections.abc import Callable


class Clock:
    """Seconds since 1970 on a clock of the sandbox's own; begins at the real time and at the real rate."""

    def __init__(self, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self.reset()

    def reset(self) -> None:
        """Real time, real rate."""
        self.rate = 1.0
        self._from = self._wall()
        self._since = self._monotonic()

    def now(self) -> float:
        """Seconds since 1970, by this clock."""
        return self._from + (self._monotonic() - self._since) * self.rate

    def advance(self, seconds: float) -> None:
        """Push the clock forward; it never goes back.

        Raises:
            ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError(f"advance_seconds {seconds} is negative: this clock only goes forward")
        self._from += seconds

    def run_at(self, rate: float) -> None:
        """Let ``rate`` sandbox seconds pass per real second; 0 stops the clock.

        Raises:
            ValueError: ``rate`` is negative.
        """
        if rate < 0:
            raise ValueError(f"rate {rate} is negative: this clock only goes forward")
        self._from, self._since = self.now(), self._monotonic()
        self.rate = rate
