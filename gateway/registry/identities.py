"""The cards of everything that was asked about: asked once, together, remembered, and asked again in the background.

Never on a request's path: the start, a reload and the refresh ask. One question at a time about one thing; a refusal is
remembered too, for a moment, so that a configuration that is saved five times in a row asks once.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from time import monotonic
from typing import NamedTuple

from msgspec.structs import replace

from gateway.bedrock.control import Control
from gateway.registry.card import Card, Subject, Unidentified
from gateway.registry.families import verdict
from gateway.registry.identify import identify

AT_ONCE = 8  # AWS throttles its control plane at a few reads per second and account
REFUSED_SECONDS = 10.0  # how long a refusal is not asked about again
REFRESH_SECONDS = 30.0  # what one refresh of one card may take


class Change(NamedTuple):
    """What a refresh found different: ``after`` is no card where AWS knows the thing no longer, or would not say."""

    subject: Subject
    before: Card
    after: Card | Unidentified


class _Refusal(NamedTuple):
    finding: Unidentified
    at: float


class Identities:
    """Belongs to one event loop.

    Args:
        families: The names of the families that there are.
        now: Monotonic seconds, for how long a refusal is remembered.
    """

    def __init__(
        self,
        control: Control,
        *,
        families: Collection[str],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._control = control
        self._families = families
        self._now = now
        self._cards: dict[Subject, Card] = {}
        self._refusals: dict[Subject, _Refusal] = {}
        self._told: dict[Subject, Card | Unidentified] = {}  # by the last refresh
        self._asking: dict[Subject, asyncio.Task[Card | Unidentified]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    def known(self, subject: Subject) -> Card | None:
        """The card, if there is one already. Asks nobody."""
        return self._cards.get(subject)

    async def card(self, subject: Subject, *, seconds: float) -> Card | Unidentified:
        """The card, asked for if need be. Callers who come together wait for one answer.

        Args:
            seconds: How long AWS may take, all reads together.
        """
        known = self._cards.get(subject)
        if known is not None:
            return known
        refusal = self._refusals.get(subject)
        if refusal is not None and self._now() - refusal.at < REFUSED_SECONDS:
            return refusal.finding
        # Shielded: a caller who leaves does not take the others' answer along.
        return await asyncio.shield(self._ask(subject, seconds))

    async def cards(self, subjects: Collection[Subject], *, seconds: float) -> Mapping[Subject, Card | Unidentified]:
        """The cards of several, side by side, within one deadline for all."""
        wanted = list(dict.fromkeys(subjects))
        found = await asyncio.gather(*(self.card(subject, seconds=seconds) for subject in wanted))
        return dict(zip(wanted, found, strict=True))

    async def refresh(self, in_use: Collection[Subject]) -> list[Change]:
        """Ask again about all that is known and in use, forget the rest, and say what is otherwise than it was last told.

        A card is replaced by another, never lost: a target that is served stays served, whatever AWS says of it now.
        """
        wanted = set(in_use)
        self._cards = {subject: card for subject, card in self._cards.items() if subject in wanted}
        self._told = {subject: finding for subject, finding in self._told.items() if subject in wanted}
        before = dict(self._cards)
        after = await asyncio.gather(*(self._ask(subject, REFRESH_SECONDS) for subject in before))
        changes = []
        for subject, finding in zip(before, after, strict=True):
            if finding != self._told.get(subject, before[subject]):
                changes.append(Change(subject, before[subject], finding))
            self._told[subject] = finding
        return changes

    async def aclose(self) -> None:
        """Ask no further."""
        for task in (running := list(self._asking.values())):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ask(self, subject: Subject, seconds: float) -> "asyncio.Task[Card | Unidentified]":
        task = self._asking.get(subject)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._found(subject, monotonic() + seconds))
            self._asking[subject] = task
        return task

    async def _found(self, subject: Subject, deadline: float) -> Card | Unidentified:
        try:
            async with self._turns:
                found = await identify(self._control, subject, deadline=deadline)
            if isinstance(found, Card):
                found = replace(found, family=verdict(found, self._families).family)
                self._cards[subject] = found
                self._refusals.pop(subject, None)
            else:
                self._refusals[subject] = _Refusal(found, self._now())
            return found
        finally:
            self._asking.pop(subject, None)
