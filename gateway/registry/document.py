"""The ``models`` section of a configuration into a Snapshot, every problem at once. Knows no YAML and no settings' Struct.

It asks nobody. A family that is not written comes from the card that the caller brings, or stays unknown.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from adapters import BARES, EMBEDDERS, TEMPLATES, embeddings
from adapters.family import Family
from adapters.prompts.trained import Template, parse
from gateway.bedrock.objects import folder
from gateway.findings import Problem, quoted, step, suggestion
from gateway.registry.arn import Identity, identify, is_region, is_role
from gateway.registry.card import Card, Kind, Subject, Unidentified, state
from gateway.registry.entries import PromptEntry, RouteEntry, TargetEntry
from gateway.registry.families import verdict
from gateway.registry.guarding import bypassed, guardrail, misplaced
from gateway.registry.knobs import defaults, embedding_defaults, unknown_ignorables
from gateway.registry.model import Capacity, ChatTemplate, ColdStart, FamilyOrigin, Route, Snapshot, Target, Timeouts
from gateway.registry.names import NAME_WORDS, is_name
from gateway.registry.spaces import doubtful, mixed, unlike

Findings = Mapping[Subject, Card | Unidentified]
"""What was asked of AWS, and what it said."""


class Document(NamedTuple):
    """A document, read.

    Attributes:
        snapshot: What could be built; to be served only when there are no problems and no family is open.
        warnings: Legal, but probably not meant: a path and a sentence each.
        open: Where a family is neither written nor found yet: the path of each, and what to ask.
    """

    snapshot: Snapshot
    problems: list[Problem]
    warnings: list[str]
    open: Mapping[str, Subject]


def snapshot(
    models: Mapping[str, RouteEntry],
    *,
    region: str | None,
    families: Mapping[str, Family],
    created_at: int,
    findings: Findings | None = None,
) -> Document:
    """Build the registry that a document describes, and check it as a whole.

    Args:
        region: For targets whose ``arn`` is a bare id and that say none themselves.
        families: The families there are, by name.
        created_at: Unix seconds.
        findings: What AWS said of targets. A family that is neither written nor found there is a problem. ``None``: nobody
            asked yet, so that it is only open.
    """
    reading = _Reading(region, families, models.keys(), findings)
    routes = {alias: reading.route(alias, entry, step("models", alias)) for alias, entry in models.items()}
    reading.cycles(models)
    reading.problems += unlike(routes)
    reading.warnings += doubtful(routes)
    reading.problems += bypassed(models)
    return Document(Snapshot(routes=routes, created_at=created_at), reading.problems, reading.warnings, reading.open)


class _Reading:
    """One pass over a document: what it needs to know, and what it finds."""

    def __init__(
        self, region: str | None, families: Mapping[str, Family], aliases: Collection[str], findings: Findings | None
    ) -> None:
        self.region = region
        self.families = families
        self.known = (*families, *EMBEDDERS)
        self.aliases = aliases
        self.findings = findings
        self.open: dict[str, Subject] = {}
        self.names: dict[str, str] = {}  # target's name: where it was given first
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def problem(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def route(self, alias: str, entry: RouteEntry, path: str) -> Route:
        if not is_name(alias):
            self.problem(path, f"the alias {quoted(alias)} must be {NAME_WORDS}")
        targets = tuple(self.targets(alias, entry.targets, step(path, "targets")))
        self.weights(entry.targets, step(path, "targets"))
        self.problems += mixed(targets, step(path, "targets"))
        self.fallbacks(alias, entry.fallbacks, step(path, "fallbacks"))
        self.problems += unknown_ignorables(entry.ignore_parameters, step(path, "ignore_parameters"))
        self.problems += misplaced(entry.guardrail, targets, path)
        return Route(
            alias=alias,
            targets=targets,
            description=entry.description,
            fallbacks=tuple(entry.fallbacks),
            defaults=self.defaults(entry, targets, step(path, "defaults")),
            ignore_parameters=frozenset(entry.ignore_parameters),
            prompt=self.prompt(entry.prompt, step(path, "prompt")),
            timeouts=self.timeouts(entry, step(path, "timeouts")),
            guardrail=guardrail(entry.guardrail),
        )

    def prompt(self, entry: PromptEntry | None, path: str) -> Template | None:
        if entry is None:
            return None
        try:
            return parse(entry.template, entry.stop)
        except ValueError as error:
            self.problem(step(path, "template"), str(error))
            return None

    def targets(self, alias: str, entries: Sequence[TargetEntry], path: str) -> Iterator[Target]:
        if not entries:
            self.problem(path, "needs at least one target: `- arn: …` and its `family: …`")
        for index, entry in enumerate(entries):
            default = alias if len(entries) == 1 else f"{alias}-{index + 1}"
            if entry.name is not None and not is_name(entry.name):
                self.problem(step(step(path, index), "name"), f"{quoted(entry.name)} must be {NAME_WORDS}")
            yield self.target(entry, entry.name or default, step(path, index))

    def target(self, entry: TargetEntry, name: str, path: str) -> Target:
        self.refuse_repeated(name, path)
        identity = self.identity(entry, path)
        if entry.role_arn is not None and not is_role(entry.role_arn):
            self.problem(
                step(path, "role_arn"), f"{quoted(entry.role_arn)} is no IAM role: write arn:aws:iam::123456789012:role/NAME"
            )
        if identity.kind != "imported-model" and entry.cold_start.keep_warm != "never":
            self.warnings.append(f"{step(path, 'cold_start')}: only imported models go cold; this has no effect.")
        subject = Subject(entry.arn, identity.kind, identity.region or "", entry.role_arn)
        family, origin, card, likely = self.family(entry.family, subject, path)
        return Target(
            name=name,
            arn=subject.arn,
            region=subject.region,
            kind=subject.kind,
            family=family,
            weight=entry.weight,
            priority=entry.priority,
            role_arn=entry.role_arn,
            capacity=Capacity(
                tokens_per_minute=entry.capacity.tokens_per_minute, concurrent_requests=entry.capacity.concurrent_requests
            ),
            cold_start=ColdStart(patience_seconds=entry.cold_start.patience_seconds, keep_warm=entry.cold_start.keep_warm),
            family_origin=origin,
            card=card,
            built_in_template=self.template(entry, step(path, "built_in_template")) or likely,
            chat_template=self.chat_template(entry, identity.kind, family, step(path, "chat_template")),
        )

    def chat_template(self, target: TargetEntry, kind: Kind, family: str, path: str) -> ChatTemplate | None:
        """Whose template writes the prompts: for imported models their own, unless the document says otherwise."""
        entry = target.chat_template
        if entry is None:
            is_looked_for = kind == "imported-model" and target.built_in_template is None
            return ChatTemplate() if is_looked_for else None
        if not entry.enabled:
            return None
        if entry.source is not None:
            try:
                folder(entry.source)
            except ValueError as error:
                self.problem(step(path, "source"), f"{quoted(entry.source)}: {error}")
        elif kind != "imported-model":
            self.problem(path, "needs `source: s3://…`: AWS says only of imported models where their files are")
        if family in self.families and "prompt" not in self.families[family].accepts:
            self.warnings.append(
                f"{path}: family {family} sends messages, and the model's service writes the prompt; this only counts tokens."
            )
        return ChatTemplate(source=entry.source, sha256=entry.sha256, is_written=True)

    def refuse_repeated(self, name: str, path: str) -> None:
        earlier = self.names.setdefault(name, path)
        if earlier != path:
            self.problem(step(path, "name"), f"{quoted(name)} is the name of {earlier} already; give one of them another name")

    def identity(self, entry: TargetEntry, path: str) -> Identity:
        """Kind and region; a region is taken from the ARN, else from the target, else from ``aws.region``."""
        place = step(path, "region")
        try:
            identity = identify(entry.arn)
        except ValueError as error:
            self.problem(step(path, "arn"), f"{quoted(entry.arn)}: {error}")
            return Identity("provisioned-model", entry.region or self.region)
        if entry.region is not None and not is_region(entry.region):
            self.problem(place, f"{quoted(entry.region)} is no AWS region; write one like us-west-2")
        elif identity.region and entry.region and identity.region != entry.region:
            self.problem(place, f"{quoted(entry.region)} contradicts the ARN, which says {identity.region}; remove one")
        elif not (identity.region or entry.region or self.region):
            self.problem(place, "the id names no region; write `region: …` here or under aws")
        return identity._replace(region=identity.region or entry.region or self.region)

    def family(self, name: str | None, subject: Subject, path: str) -> tuple[str, FamilyOrigin, Card | None, str | None]:
        """The family, where it comes from, the card if AWS gave one, and the likely template. What is written wins."""
        place = step(path, "family")
        finding = None if self.findings is None else self.findings.get(subject)
        card = finding if isinstance(finding, Card) else None
        if card is not None and state(card) not in {None, "in_service"}:
            self.warnings.append(f"{path}: AWS says that its status is {card.status}.")
        if name is not None:
            self.written(name, finding, place)
            return name, "written", card, None
        if self.findings is None:
            self.open[place] = subject
        elif card is None:
            self.unidentified(finding, place)
        else:
            found = verdict(card, self.known)
            if found.caution is not None:
                self.warnings.append(f"{place}: {found.caution}")
            if found.family is not None:
                return found.family, "negotiated" if found.negotiated else "identified", card, found.template
            self.problem(place, f"not written, and AWS does not decide it: {found.why}. Write one, {self.such_as()}")
        return "", "unknown", card, None

    def written(self, name: str, finding: Card | Unidentified | None, place: str) -> None:
        if name not in self.known:
            self.problem(place, f"{quoted(name)} is no family; {suggestion(name, self.known)}")
        elif isinstance(finding, Unidentified):
            self.warnings.append(f"{place}: {name} is written and wins; AWS {finding.why}.")
        elif finding is not None and (found := verdict(finding, self.known)).family not in {name, None}:
            self.warnings.append(f"{place}: {name} is written and wins; AWS's facts ask for {found.family}: {found.why}.")

    def unidentified(self, finding: Unidentified | Card | None, place: str) -> None:
        why = finding.why if isinstance(finding, Unidentified) else "was not asked"
        if isinstance(finding, Unidentified) and finding.gone:
            self.problem(place, f"not written, and AWS {why}: write the ARN of one that is there")
        else:
            self.problem(place, f"not written, and AWS {why}. Mend that, or write one, {self.such_as()}")

    def such_as(self) -> str:
        return f"such as `family: claude` (known are {', '.join(sorted(self.known))})"

    def template(self, entry: TargetEntry, path: str) -> str | None:
        name = entry.built_in_template
        if name is None:
            return None
        if name not in TEMPLATES:
            self.problem(path, f"{quoted(name)} is no built-in template; {suggestion(name, TEMPLATES.keys())}")
        elif entry.family in self.known and entry.family not in BARES:
            known = ", ".join(BARES)
            self.problem(
                path, f"family {quoted(entry.family)} writes no prompt that could have another template (those that do: {known})"
            )
        return name

    def weights(self, entries: Sequence[TargetEntry], path: str) -> None:
        heaviest: dict[int, int] = {}
        for entry in entries:
            heaviest[entry.priority] = max(entry.weight, heaviest.get(entry.priority, 0))
        for priority, weight in heaviest.items():
            if weight <= 0:
                self.problem(path, f"every target of priority {priority} has weight 0; one needs a positive weight")

    def fallbacks(self, alias: str, fallbacks: Sequence[str], path: str) -> None:
        for index, name in enumerate(fallbacks):
            place = step(path, index)
            if name == alias:
                self.problem(place, "an alias cannot fall back on itself; remove it")
            elif name not in self.aliases:
                self.problem(place, f"there is no alias {quoted(name)}; {suggestion(name, self.aliases)}")
            elif name in fallbacks[:index]:
                self.problem(place, f"{quoted(name)} stands twice; remove one")

    def defaults(self, entry: RouteEntry, targets: Sequence[Target], path: str) -> dict[str, Any]:
        written = entry.defaults
        if any(target.family_origin == "unknown" for target in targets):
            targets = ()  # whether any family has a parameter can be said when all are known
            written = {name: value for name, value in written.items() if name not in embeddings.NAMES}
        if embedders := [EMBEDDERS[target.family] for target in targets if target.family in EMBEDDERS]:
            self.problems += embedding_defaults(written, embedders[0], path)
            return dict(written)
        used = {target.family: self.families[target.family] for target in targets if target.family in self.families}
        values, problems, warnings = defaults(written, tuple(used.values()), path)
        self.problems += problems
        self.warnings += warnings
        return values

    def cycles(self, models: Mapping[str, RouteEntry]) -> None:
        for circle in _circles({alias: [name for name in entry.fallbacks if name != alias] for alias, entry in models.items()}):
            self.problem(step(step("models", circle[0]), "fallbacks"), f"falls back in a circle: {' → '.join(circle)}; break it")

    def timeouts(self, entry: RouteEntry, path: str) -> Timeouts:
        seconds: dict[str, float] = {name: getattr(entry.timeouts, name) for name in Timeouts.__struct_fields__}
        for name, value in seconds.items():
            if value <= 0:
                self.problem(step(path, name), f"{value:g} must be above 0 seconds")
            elif value > seconds["total_seconds"] > 0 and getattr(Timeouts(), name) != value:
                self.warnings.append(f"{step(path, name)}: {value:g} is longer than total_seconds, which ends the request first.")
        return Timeouts(**seconds)


def _circles(edges: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Each circle once, from the alias that the document names first back to itself."""
    done: set[str] = set()
    for start in edges:
        trail: dict[str, Iterator[str]] = {} if start in done else {start: iter(edges[start])}
        while trail:
            alias = next(reversed(trail))
            following = next(trail[alias], None)
            if following is None:
                done.add(alias)
                del trail[alias]
            elif following in trail:
                names = list(trail)
                yield (*names[names.index(following) :], following)
            elif following in edges and following not in done:
                trail[following] = iter(edges[following])
