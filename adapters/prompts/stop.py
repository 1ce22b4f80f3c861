"""Stop strings for models that have none: hold back what may still become one, cut where one begins.

Must never know where the text comes from or goes to.
"""

from collections.abc import Sequence


class StopBuffer:
    """Finds the earliest stop string in a text that arrives in pieces.

    The answer ends where the first stop string *begins*, however the text was cut into pieces: it equals
    ``min(text.find(stop))`` over the whole. Text leaves as early as that allows: only a tail that may still grow into
    a stop string is held.

    Attributes:
        stops: At least one, none of them empty.
        met: The stop string that was met, of several that begin there the first of ``stops``; ``None`` before a hit.
    """

    __slots__ = ("_held", "met", "stops")

    def __init__(self, stops: Sequence[str]) -> None:
        self.stops = tuple(stops)
        self.met: str | None = None
        self._held = ""

    def push(self, text: str) -> tuple[str, bool]:
        """Take some more text.

        Returns:
            What may be shown now, and whether a stop string was met. After a hit nothing more may be pushed.
        """
        text = self._held + text
        hit = hold = len(text)
        for stop in self.stops:
            hit = _first(text, stop, hit)
            hold = _tail(text, stop, hold)
        if hit <= hold and hit < len(text):
            self._held = ""
            self._meet(text, hit)
            return text[:hit], True
        # A longer stop string that began before the hit may still complete: it would win, so wait for it.
        self._held = text[hold:]
        return text[:hold], False

    def flush(self) -> tuple[str, bool]:
        """The text is over: return what was held, and whether a stop string had been met in it."""
        text, self._held = self._held, ""
        hit = len(text)
        for stop in self.stops:
            hit = _first(text, stop, hit)
        self._meet(text, hit)
        return text[:hit], hit < len(text)

    def _meet(self, text: str, hit: int) -> None:
        self.met = next((stop for stop in self.stops if text.startswith(stop, hit)), None)


def _first(text: str, stop: str, before: int) -> int:
    """Where ``stop`` begins before ``before``; ``before`` when it does not."""
    at = text.find(stop, 0, before + len(stop) - 1)
    return before if at == -1 else at


def _tail(text: str, stop: str, before: int) -> int:
    """Where a tail begins, before ``before``, that may grow into ``stop``; ``before`` when there is none."""
    first = stop[0]
    at = text.find(first, max(0, len(text) - len(stop) + 1), before)
    while at != -1 and not stop.startswith(text[at:]):
        at = text.find(first, at + 1, before)
    return before if at == -1 else at
