"""What may be wrong with an alias's guardrail that its form does not show: where it is, and what would slip past it."""

from collections.abc import Iterator, Mapping, Sequence

from adapters import EMBEDDERS
from gateway.findings import Problem, quoted, step
from gateway.registry.entries import GuardrailEntry, RouteEntry
from gateway.registry.model import Guardrail, Target


def guardrail(entry: GuardrailEntry | None) -> Guardrail | None:
    """The registry's value for what the document says."""
    if entry is None:
        return None
    return Guardrail(id=entry.id, version=str(entry.version), stream_characters=entry.stream_characters)


def misplaced(entry: GuardrailEntry | None, targets: Sequence[Target], path: str) -> Iterator[Problem]:
    """A guardrail lives in one region, is found from there alone, and reads chats."""
    if entry is None:
        return
    if any(target.family in EMBEDDERS for target in targets):
        yield Problem(step(path, "guardrail"), "this alias makes embeddings, which no guardrail reads: remove it")
    regions = sorted({target.region for target in targets if target.region})
    place = step(step(path, "guardrail"), "id")
    if entry.id.startswith("arn:"):
        own = entry.id.split(":")[3]
        if others := [region for region in regions if region != own]:
            yield Problem(place, f"the guardrail is in {own}, and targets of this alias are in {', '.join(others)}: {_WAY_OUT}")
    elif len(regions) > 1:
        yield Problem(
            place, f"the targets of this alias are in {', '.join(regions)}, and a guardrail is in one of them: {_WAY_OUT}"
        )


_WAY_OUT = "write the targets of another region as an alias of their own, with a guardrail there, and name it under fallbacks"


def bypassed(models: Mapping[str, RouteEntry]) -> Iterator[Problem]:
    """A fallback without a guardrail would be a way around that of the alias."""
    for alias, entry in models.items():
        if entry.guardrail is None:
            continue
        for index, name in enumerate(entry.fallbacks):
            if name in models and name != alias and models[name].guardrail is None:
                yield Problem(
                    step(step(step("models", alias), "fallbacks"), index),
                    f"{quoted(name)} has no guardrail, and would answer unchecked when this alias cannot; give it one",
                )
