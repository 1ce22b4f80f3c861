"""The order over a route's targets."""

import random
from collections import Counter

import pytest

from gateway.registry.model import Target
from gateway.routing import pick


def target(name: str, *, weight: int = 1, priority: int = 0) -> Target:
    return Target(
        name=name,
        arn=f"arn:aws:bedrock:us-west-2:123456789012:provisioned-model/{name:0<12}",
        region="us-west-2",
        kind="provisioned-model",
        family="claude",
        weight=weight,
        priority=priority,
    )


def names(targets: list[Target]) -> list[str]:
    return [each.name for each in targets]


def test_lower_priority_comes_first() -> None:
    """Whatever the weights, nobody of a higher priority is asked before a lower one."""
    targets = [target("late", weight=1000, priority=1), target("early", weight=1)]

    assert names(pick.order(targets, random.random)) == ["early", "late"]


@pytest.mark.parametrize(("draw", "first"), [(0.0, "nine"), (0.89, "nine"), (0.91, "one"), (0.999999, "one")])
def test_weight_is_the_share_of_first_places(draw: float, first: str) -> None:
    """Weight 9 beside weight 1 covers the first nine tenths of the draw."""
    ordered = pick.order([target("nine", weight=9), target("one", weight=1)], lambda: draw)

    assert first == ordered[0].name
    assert {"nine", "one"} == set(names(ordered))


def test_shares_hold_over_many_draws() -> None:
    """A thousand seeded draws come out near their weights."""
    dice = random.Random(7)
    targets = [target("a", weight=5), target("b", weight=3), target("c", weight=2)]

    firsts = Counter(pick.order(targets, dice.random)[0].name for _ in range(1000))

    assert all(abs(firsts[name] - share) < 60 for name, share in (("a", 500), ("b", 300), ("c", 200)))


def test_weight_zero_is_never_asked() -> None:
    """A target that is being drained gets no traffic, not even as the last resort."""
    assert names(pick.order([target("off", weight=0), target("on")], random.random)) == ["on"]
    assert pick.order([target("off", weight=0)], random.random) == []
