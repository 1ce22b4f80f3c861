"""Families that a configuration leaves open: found before it is served, and kept true while it is.

Between the configuration, which knows what is open, and the registry's identities, which know how to ask.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.configuration import Configuration, SettingsError, check
from gateway.registry.card import Card, Unidentified, state
from gateway.registry.identities import Change, Identities
from gateway.registry.model import Target
from gateway.usage.logs import Log, place_of
from gateway.usage.metrics import Metrics

JITTER = 0.2  # of the interval between two refreshes, both ways, so that replicas spread


async def identified(configuration: Configuration, identities: Identities, *, everything: bool = False) -> Configuration:
    """The configuration with every family known. Asks AWS for those that are open, and only for them.

    Args:
        everything: Ask about every target, also where the family is written: to compare, and to show.

    Raises:
        SettingsError: With every target whose family AWS did not tell, and why.
    """
    asked = [target.subject for target in configuration.snapshot.targets()] if everything else configuration.open.values()
    if not asked:
        return configuration
    findings = await identities.cards([*asked], seconds=configuration.settings.aws.identify.deadline_seconds)
    return check(configuration.settings, name=configuration.name, text=configuration.text, findings=findings)


def facts(configuration: Configuration) -> list[dict[str, Any]]:
    """For the log: every target whose family AWS told, and what it said."""
    return [
        {"target": target.name, "family": target.family, "negotiated": target.family_origin == "negotiated"} | _words(target.card)
        for target in configuration.snapshot.targets()
        if target.card is not None
    ]


class Upkeep:
    """Asks again while the gateway serves: logs what has changed, shows it in the metrics, and follows another family.

    Args:
        current: The configuration in force.
        publish: Puts another one into force.
    """

    def __init__(
        self,
        identities: Identities,
        *,
        current: Callable[[], Configuration],
        publish: Callable[[Configuration], None],
        log: Log,
        metrics: Metrics,
    ) -> None:
        self._identities = identities
        self._current = current
        self._publish = publish
        self._log = log
        self._metrics = metrics

    async def run(
        self,
        every_seconds: float,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        """For ever, unless ``every_seconds`` is 0. What goes wrong in one round does not end the next."""
        while every_seconds:
            await sleep(every_seconds * (1 - JITTER + 2 * JITTER * random()))
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001 - nobody else would notice that cards grow old
                self._log.event("refresh_failed", exception=place_of(error))

    async def refresh(self) -> None:
        """One round over the targets whose family AWS told."""
        subjects = [target.subject for target in self._current().snapshot.targets() if target.family_origin != "written"]
        for change in await self._identities.refresh(subjects):
            self._tell(change)
        if any(self._speaks_otherwise(target) for target in self._current().snapshot.targets()):
            self._follow()

    def _tell(self, change: Change) -> None:
        names = [target.name for target in self._current().snapshot.targets() if target.subject == change.subject]
        self._log.event("target_changed", targets=names, was=_words(change.before), now=_words(change.after))
        if (now := state(change.after)) is not None:
            self._metrics.target_states |= dict.fromkeys(names, now)

    def _speaks_otherwise(self, target: Target) -> bool:
        known = self._identities.known(target.subject)
        return target.family_origin != "written" and known is not None and known.family != target.family

    def _follow(self) -> None:
        """A deployment that now serves a model of another base is asked in its words from the next request on."""
        configuration = self._current()
        findings = {
            target.subject: known
            for target in configuration.snapshot.targets()
            if (known := self._identities.known(target.subject)) is not None
        }
        try:
            fresh = check(configuration.settings, name=configuration.name, text=configuration.text, findings=findings)
        except SettingsError as error:
            self._log.event("reload_refused", problems=[str(problem) for problem in error.problems])
        else:
            self._publish(fresh)


def _words(finding: Card | Unidentified | None) -> dict[str, Any]:
    """A finding for the log: no ARN, what is known."""
    if isinstance(finding, Unidentified):
        return {"why": f"AWS {finding.why}"}
    if finding is None:
        return {}
    told = {
        "base_model": finding.base_model,
        "architecture": finding.architecture,
        "model_units": finding.model_units,
        "status": finding.status,
    }
    return {name: value for name, value in told.items() if value is not None}
