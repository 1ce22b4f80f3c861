"""Everything that the sandbox remembers, in one place. Knows no HTTP."""

from collections.abc import Sequence

from gateway.sandbox.clock import Clock
from gateway.sandbox.faults.planted import Faults
from gateway.sandbox.guardrails import Guardrail, Rails, guardrails
from gateway.sandbox.log import Log
from gateway.sandbox.models import Model, Shelf, models
from gateway.sandbox.signature import Credentials
from gateway.sandbox.warmth import Warmth


class World:
    """One account of one region, with its models, and the sandbox's own controls.

    Attributes:
        pace: Output tokens per second, whole or streamed; 0 is as fast as possible.
    """

    def __init__(
        self,
        *,
        region: str = "us-west-2",
        pace: float = 0.0,
        credentials: Credentials | None = None,
        entries: Sequence[Model] | None = None,
        rails: Sequence[Guardrail] | None = None,
        warm_after_seconds: float = 30.0,
        idle_seconds: float = 300.0,
        clock: Clock | None = None,
    ) -> None:
        """An account as it is on the first day.

        Args:
            credentials: Whom to let in; ``sandbox`` / ``sandbox`` unless told. ``signature.from_environment`` reads
                the environment that AWS SDKs read.
            entries: The models that can be called; ``models(region)`` unless told.
            rails: The guardrails that can be applied; ``guardrails()`` unless told.
            warm_after_seconds: From the first call to a cold imported model until it answers, on the sandbox's clock.
            idle_seconds: After so long without a call an imported model is cold again, on the same clock.
        """
        self.region = region
        self.pace = pace
        self.credentials = credentials or Credentials()
        self.shelf = Shelf(models(region) if entries is None else entries, region)
        self.rails = Rails(guardrails() if rails is None else rails, region)
        self.clock = clock or Clock()
        self.faults = Faults()
        self.log = Log()
        self.warmth = Warmth(self.clock, warm_after_seconds=warm_after_seconds, idle_seconds=idle_seconds)
        self._heat()

    def reset(self) -> None:
        """Back to the first day: real time, no faults, nothing asked, imported models as they began."""
        self.clock.reset()
        self.faults.clear()
        self.log.clear()
        self._heat()

    def _heat(self) -> None:
        for model in self.shelf.of_kind("imported-model"):
            (self.warmth.cool if model.starts_cold else self.warmth.heat)(model.arn)
