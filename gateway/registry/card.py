"""What the account says of one target: its identity card, or why there is none. Knows not how it was read."""

from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec import Struct

Kind = Literal["provisioned-model", "custom-model-deployment", "imported-model", "inference-profile", "foundation-model"]


class Card(Struct, frozen=True):
    """One invocable thing, as AWS's control plane described it.

    ``None`` is "AWS did not say", whatever the reason: the kind has no such fact, or the reply left it out.

    Attributes:
        arn: What was asked for: the target's own ARN or bare id.
        family: A key of ``adapters.FAMILIES`` or ``EMBEDDERS``, as far as the facts decide one.
        base_model: Id of the base model behind it, without context suffix or region prefix: ``meta.llama3-1-8b-instruct-v1:0``.
        architecture: Of an imported model, as ``GetImportedModel`` spells it: ``llama``, ``qwen2``, ``gpt_oss``.
        instruct_supported: Of an imported model: whether it takes Converse, that is, whether it has a chat template.
        model_units: Bought for a provisioned throughput; custom model units per copy of an imported model.
        source_uri: S3 folder that an imported model was read from, as ``s3://bucket/prefix/``.
        created_at: When the resource came to be; unix seconds.
        status: AWS's own word, such as ``InService``, ``Active``, ``Updating``, ``Failed``.
        region: Where it was asked for.
    """

    arn: str
    kind: Kind
    region: str
    family: str | None = None
    base_model: str | None = None
    architecture: str | None = None
    instruct_supported: bool | None = None
    model_units: int | None = None
    source_uri: str | None = None
    created_at: int | None = None
    status: str | None = None


class Unidentified(Struct, frozen=True):
    """Why there is no card.

    Attributes:
        why: For the operator, to stand in a sentence after "AWS".
        gone: AWS knows no such thing: it was deleted, or never was.
    """

    why: str
    gone: bool = False


class Subject(NamedTuple):
    """Of whom a card is: what is asked about, where, and as whom."""

    arn: str
    kind: Kind
    region: str
    role_arn: str | None = None


_STATES = {
    "InService": "in_service",
    "Active": "in_service",
    "ACTIVE": "in_service",
    "Creating": "creating",
    "Updating": "updating",
    "Failed": "failed",
    "LEGACY": "legacy",
}

STATES = (*dict.fromkeys(_STATES.values()), "deleted")
"""What ``state`` may answer: the values of a metric's label, so there is a bounded number."""


def state(finding: Card | Unidentified) -> str | None:
    """One word for how a target fares at AWS; ``None`` when it does not say. An import that can be read is ready."""
    if isinstance(finding, Unidentified):
        return "deleted" if finding.gone else None
    if finding.status is None:
        return "in_service" if finding.kind == "imported-model" else None
    return _STATES.get(finding.status)


def described(card: Card) -> str:
    """A card on one line, for people; what AWS did not say is left out."""
    units = "1 model unit" if card.model_units == 1 else f"{card.model_units} model units"
    facts = {
        f"base model {card.base_model}": card.base_model,
        f"architecture {card.architecture}": card.architecture,
        f"instructSupported {str(card.instruct_supported).lower()}": card.instruct_supported is not None,
        units: card.model_units is not None,
        f"created {day(card.created_at or 0)}": card.created_at is not None,
        f"status {card.status}": card.status,
        f"weights from {card.source_uri}": card.source_uri,
    }
    return ", ".join([card.kind, *(words for words, is_told in facts.items() if is_told)])


def day(unix_seconds: int) -> str:
    """The date of a moment, in UTC."""
    return datetime.fromtimestamp(unix_seconds, UTC).date().isoformat()
