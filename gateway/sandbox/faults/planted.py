"""The faults in force, by name, in the order of their planting. Knows no kinds."""

from collections.abc import Iterator

from gateway.sandbox.faults.fault import Fault


class Planted:
    """A fault in force.

    Attributes:
        remaining: Requests it will still meet; ``None`` is without end.
        hits: Requests it has met.
    """

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.remaining = fault.times
        self.hits = 0

    def is_spent(self) -> bool:
        return self.remaining == 0

    def hit(self) -> Fault:
        self.hits += 1
        if self.remaining is not None:
            self.remaining -= 1
        return self.fault


class Faults:
    """Faults by name. Several may meet one request; they act in the order in which they were planted."""

    def __init__(self) -> None:
        self._planted: dict[str, Planted] = {}

    def plant(self, name: str, fault: Fault) -> Planted:
        """Put a fault in force, in place of one of the same name."""
        self._planted.pop(name, None)
        self._planted[name] = Planted(fault)
        return self._planted[name]

    def remove(self, name: str) -> bool:
        """Lift one fault; ``False`` if there is none of that name."""
        return self._planted.pop(name, None) is not None

    def clear(self) -> None:
        """Lift them all."""
        self._planted.clear()

    def __iter__(self) -> Iterator[tuple[str, Planted]]:
        return iter(self._planted.items())

    def meet(self, operation: str, identifiers: tuple[str, ...], *, streams: bool) -> dict[str, Fault]:
        """The faults that this request meets, by name, each counted as a hit; a spent fault stays listed and is idle."""
        return {
            name: planted.hit()
            for name, planted in self._planted.items()
            if not planted.is_spent()
            and (streams or not planted.fault.streams_only)
            and planted.fault.match.meets(operation, identifiers)
        }
