"""What may stand together in an alias, and behind it: chats with chats, vectors with vectors of the same model.

Vectors of two models have nothing to do with each other, and nothing shows it when they are compared. So one alias is one
model's, as far as anybody can tell. Pure; asks nobody.
"""

from collections.abc import Iterator, Mapping, Sequence

from adapters import EMBEDDERS
from gateway.findings import Problem, quoted, step
from gateway.registry.arn import base_model
from gateway.registry.model import Route, Target


def embeds(route: Route) -> bool:
    """Whether the alias makes embeddings; it answers chats otherwise."""
    return any(target.family in EMBEDDERS for target in route.targets)


def mixed(targets: Sequence[Target], path: str) -> Iterator[Problem]:
    """What makes it impossible that these targets stand for each other."""
    families = {target.family: None for target in targets if target.family}
    makers = [family for family in families if family in EMBEDDERS]
    if not makers:
        return
    if answers := [family for family in families if family not in EMBEDDERS]:
        words = f"{quoted(makers[0])} makes embeddings and {quoted(answers[0])} answers chats"
        yield Problem(path, f"{words}: an alias does one of both, so give each its own")
    elif len(families) > 1 or len(bases := {base for target in targets if (base := base_of(target))}) > 1:
        words = " and ".join(map(quoted, families if len(families) > 1 else sorted(bases)))
        yield Problem(path, f"vectors of {words} cannot be compared with each other: give each its own alias")


def unlike(routes: Mapping[str, Route]) -> Iterator[Problem]:
    """Fallbacks that could never take over."""
    for alias, route in routes.items():
        for index, name in enumerate(route.fallbacks):
            fallback = routes.get(name)
            if fallback is None or not (_is_known(route) and _is_known(fallback)) or embeds(route) == embeds(fallback):
                continue
            does = "makes embeddings" if embeds(fallback) else "answers chats"
            place = step(step(step("models", alias), "fallbacks"), index)
            yield Problem(place, f"{quoted(name)} {does}, which {alias} does not; remove it")


def doubtful(routes: Mapping[str, Route]) -> Iterator[str]:
    """Fallbacks whose vectors are not, or may not be, of the same space: whoever writes them shall know."""
    for alias, route in routes.items():
        for index, name in enumerate(route.fallbacks):
            fallback = routes.get(name)
            if fallback is None or not (embeds(route) and embeds(fallback)):
                continue
            bases = {base_of(target) for target in (*route.targets, *fallback.targets)}
            if len(bases) > 1 or None in bases:
                place = step(step(step("models", alias), "fallbacks"), index)
                yield f"{place}: unless {name} is the same model, its vectors cannot be compared with those of {alias}."


def base_of(target: Target) -> str | None:
    """The base model behind a target, as far as its ARN or its card tells."""
    return base_model(target.arn) or (target.card.base_model if target.card is not None else None)


def _is_known(route: Route) -> bool:
    return all(target.family for target in route.targets)
