"""What exists: aliases, their routes, the targets behind them. A document's values, frozen; no judgement.

A reload builds a new ``Snapshot`` and swaps it in whole; a request keeps the one it began with.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct, field

from adapters.prompts.trained import Template
from gateway.registry.card import Card, Kind, Subject

KeepWarm = Literal["never", "always", "business_hours", "while_traffic"]
FamilyOrigin = Literal["written", "identified", "negotiated", "unknown"]
"""Where a target's family comes from: the configuration, the account, the account and each request; nowhere yet."""


class Timeouts(Struct, frozen=True):
    """How long a request may take.

    Attributes:
        total_seconds: From the request's arrival to its last byte, all attempts together.
        first_token_seconds: From sending an attempt to the first byte of its reply. A cold imported model may need 300.
        between_bytes_seconds: The longest silence inside a reply that has begun.
        connect_seconds: To open a connection, TLS included.
    """

    total_seconds: float = 600.0
    first_token_seconds: float = 120.0
    between_bytes_seconds: float = 60.0
    connect_seconds: float = 5.0


class ColdStart(Struct, frozen=True):
    """What to do while an imported model is restored.

    Attributes:
        patience_seconds: How long a request may be held for it.
    """

    patience_seconds: float = 300.0
    keep_warm: KeepWarm = "never"


class Capacity(Struct, frozen=True):
    """What a target can carry; ``None`` is unknown."""

    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None


class ChatTemplate(Struct, frozen=True):
    """That a model's own chat template writes its prompts, if it brought one.

    Attributes:
        source: The folder of the model's files, ``s3://bucket/prefix``; ``None``: where AWS says that it was imported from.
        sha256: The template's digest, in hex: any other is refused. ``None``: whichever is there.
        is_written: The configuration asks for it, so that its absence is worth a warning.
    """

    source: str | None = None
    sha256: str | None = None
    is_written: bool = False


class Target(Struct, frozen=True):
    """One invocable thing.

    Attributes:
        name: Unique over the whole configuration: the label in metrics and in ``x-quarry-target``.
        arn: What Bedrock calls ``modelId``. Never shown to a caller.
        family: A key of ``adapters.FAMILIES`` or ``EMBEDDERS``; ``""`` while its origin is unknown, and then it is not served.
        weight: Its share among the targets of its priority.
        priority: Lower is tried first.
        role_arn: The role to assume for it, ``None`` for the gateway's own identity.
        family_origin: ``negotiated``: ``registry.families.spoken`` says which family a request speaks.
        card: What AWS says of it; ``None`` where nobody asked.
        built_in_template: A key of ``adapters.TEMPLATES``, in place of its family's own.
        chat_template: ``None``: a built-in template is the only one.
    """

    name: str
    arn: str
    region: str
    kind: Kind
    family: str
    weight: int = 1
    priority: int = 0
    role_arn: str | None = None
    capacity: Capacity = Capacity()
    cold_start: ColdStart = ColdStart()
    family_origin: FamilyOrigin = "written"
    card: Card | None = None
    built_in_template: str | None = None
    chat_template: ChatTemplate | None = None

    @property
    def subject(self) -> Subject:
        """What to ask AWS about it."""
        return Subject(self.arn, self.kind, self.region, self.role_arn)


class Guardrail(Struct, frozen=True):
    """What everything through an alias is checked by.

    Attributes:
        id: A guardrail's id or ARN. Never shown to a caller.
        version: A number, or ``DRAFT``.
        stream_characters: Where it is applied around the call: how much of a stream is checked at a time.
    """

    id: str
    version: str
    stream_characters: int = 1000


class Route(Struct, frozen=True):
    """An alias with everything that a request to it needs.

    Attributes:
        alias: The name callers send as ``model``.
        targets: In the order of the document; at least one.
        fallbacks: Other aliases, tried in order, only before the first byte.
        defaults: Sampling parameters for requests that do not say, by OpenAI's names.
        ignore_parameters: Parameters to drop, and report, instead of refusing.
        prompt: The format that the model was trained on; it stands above every chat template.
    """

    alias: str
    targets: tuple[Target, ...]
    description: str = ""
    fallbacks: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    ignore_parameters: frozenset[str] = frozenset()
    prompt: Template | None = None
    timeouts: Timeouts = Timeouts()
    guardrail: Guardrail | None = None


class Snapshot(Struct, frozen=True):
    """The registry at an instant.

    Attributes:
        created_at: Unix seconds; what ``/v1/models`` shows as ``created``.
    """

    routes: Mapping[str, Route]
    created_at: int

    def targets(self) -> Iterator[Target]:
        """Every target of every route, in the document's order."""
        for route in self.routes.values():
            yield from route.targets
