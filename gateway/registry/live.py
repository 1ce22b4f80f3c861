"""The registry in use: one snapshot at a time, swapped whole. Knows not where snapshots come from."""

from collections.abc import Iterator

from gateway.registry.model import Route, Snapshot, Target
from gateway.registry.resolve import Caller, resolve


class Live:
    """The current snapshot. A request keeps the route that it resolved, whatever is published meanwhile.

    Attributes:
        snapshot: Replaced, never changed: whoever holds one sees one instant.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def resolve(self, alias: str, key: Caller) -> tuple[Route, ...]:
        """The route of an alias that the key may use, then the routes of its fallbacks, all of one snapshot.

        The operator lends the fallbacks to whoever may use the alias: the key's own globs are not asked again.

        Raises:
            ModelNotAllowed: None of the key's globs covers the alias.
            ModelNotFound: The key might use it, but there is no such alias.
        """
        snapshot = self.snapshot
        route = resolve(snapshot, alias, key)
        return (route, *(snapshot.routes[fallback] for fallback in route.fallbacks))

    def targets(self) -> Iterator[Target]:
        """Every target that is served now."""
        return self.snapshot.targets()

    def publish(self, snapshot: Snapshot) -> None:
        """Make this the current snapshot. One assignment: atomic for every task, and for threads under the GIL."""
        self.snapshot = snapshot
