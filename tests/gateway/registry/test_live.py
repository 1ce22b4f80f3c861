"""The registry in use."""

import pytest

from gateway.errors import ModelNotFound
from gateway.keys.model import Key
from gateway.registry.live import Live
from gateway.registry.model import Route, Snapshot

KEY = Key(id="k", name="k", owner="", hash="0" * 64, models=("main",))


def snapshot(**fallbacks: tuple[str, ...]) -> Snapshot:
    routes = {alias: Route(alias=alias, targets=(), fallbacks=names) for alias, names in fallbacks.items()}
    return Snapshot(routes=routes, created_at=1)


def test_fallbacks_come_with_the_route() -> None:
    """The route first, then its fallbacks in order, though the key may not ask for them by name."""
    live = Live(snapshot(main=("second", "third"), second=(), third=("second",)))

    assert [route.alias for route in live.resolve("main", KEY)] == ["main", "second", "third"]


def test_a_published_snapshot_is_the_next_answer() -> None:
    """Publishing swaps the whole registry; what a request resolved before stays what it was."""
    live = Live(snapshot(main=("second",), second=()))
    kept = live.resolve("main", KEY)

    live.publish(snapshot(other=()))

    assert [route.alias for route in kept] == ["main", "second"]
    assert list(live.snapshot.routes) == ["other"]
    with pytest.raises(ModelNotFound):
        live.resolve("main", KEY)
