"""In which order to ask a route's targets. Pure: a decision, no asking."""

from collections.abc import Callable, Iterable

from gateway.registry.model import Target


def order(targets: Iterable[Target], random: Callable[[], float]) -> list[Target]:
    """Put targets in the order in which they should be asked.

    Lower ``priority`` first. Within a priority the order is drawn by ``weight``: a target of weight 9 beside one of weight 1
    comes first nine times in ten. Weight 0 means never.

    Args:
        targets: The targets of one route.
        random: Draws from [0, 1); one draw per choice between several.
    """
    willing = [target for target in targets if target.weight > 0]
    if len(willing) == 1:
        return willing
    ordered: list[Target] = []
    for priority in sorted({target.priority for target in willing}):
        rest = [target for target in willing if target.priority == priority]
        while rest:
            ordered.append(rest.pop(_draw(rest, random)))
    return ordered


def _draw(targets: list[Target], random: Callable[[], float]) -> int:
    if len(targets) == 1:
        return 0
    point = random() * sum(target.weight for target in targets)
    for index, target in enumerate(targets):
        point -= target.weight
        if point < 0:
            return index
    return len(targets) - 1
