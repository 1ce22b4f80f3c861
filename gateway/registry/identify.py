"""What is this ARN? One walk for each kind: which reads, in which order, and what of their answers stands on the card.

Asks through ``bedrock.control``; remembers nothing (``identities.py`` does), and is never on a request's path.
"""

from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace

from gateway.bedrock.control import Control, F, ReadFailed
from gateway.bedrock.facts import (
    CustomModel,
    Deployment,
    FoundationModel,
    ImportedModel,
    InferenceProfile,
    Throughput,
    unix_seconds,
)
from gateway.errors import DeadlineExceeded, UpstreamThrottled
from gateway.registry.arn import base_model
from gateway.registry.card import Card, Kind, Subject, Unidentified

DEEPEST = 4  # custom models trained from custom models; more than this is a circle

_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
_MISSING = frozenset({"ResourceNotFoundException", "ResourceNotFound"})


class Reading:
    """The reads of one identification: same place, same identity, same deadline."""

    def __init__(self, control: Control, subject: Subject, deadline: float) -> None:
        self.subject = subject
        self._control = control
        self._deadline = deadline

    async def read(self, fact: type[F], identifier: str) -> F:
        """One fact. Raises ReadFailed."""
        subject = self.subject
        return await self._control.read(
            fact, identifier, region=subject.region, role_arn=subject.role_arn, deadline=self._deadline
        )

    async def read_if_allowed(self, fact: type[F], identifier: str) -> F | None:
        """The same for what is good to know: ``None`` where IAM does not allow it. Raises ReadFailed."""
        try:
            return await self.read(fact, identifier)
        except ReadFailed as failure:
            if failure.name in _DENIED:
                return None
            raise


async def identify(control: Control, subject: Subject, *, deadline: float) -> Card | Unidentified:
    """The card of one target, without its family; or why AWS gives none.

    Args:
        deadline: Monotonic seconds, for all reads together.
    """
    try:
        return await _WALKS[subject.kind](Reading(control, subject, deadline))
    except ReadFailed as failure:
        return _unidentified(failure, subject)


async def _throughput(reading: Reading) -> Card:
    found = await reading.read(Throughput, reading.subject.arn)
    base = base_model(found.foundation_model_arn or "") or base_model(found.model_arn or "")
    return replace(
        _blank(reading.subject),
        base_model=base,
        model_units=found.model_units,
        created_at=unix_seconds(found.creation_time),
        status=found.status,
    )


async def _deployment(reading: Reading) -> Card:
    found = await reading.read(Deployment, reading.subject.arn)
    return replace(
        _blank(reading.subject),
        base_model=await _behind(reading, found.model_arn),
        created_at=unix_seconds(found.created_at),
        status=found.status,
    )


async def _behind(reading: Reading, arn: str | None) -> str | None:
    """The base model of a custom model, through those that it was trained from.

    Its ARN names the base as well, but for models made outside Bedrock: enough where GetCustomModel is not allowed.
    """
    told = base_model(arn or "")
    for _ in range(DEEPEST):
        if arn is None or ":custom-model/" not in arn:
            break
        custom = await (reading.read(CustomModel, arn) if told is None else reading.read_if_allowed(CustomModel, arn))
        if custom is None or custom.base_model_arn is None:
            break
        arn = custom.base_model_arn
        told = base_model(arn) or told
    return told


async def _imported(reading: Reading) -> Card:
    found = await reading.read(ImportedModel, reading.subject.arn)
    source = found.model_data_source
    return replace(
        _blank(reading.subject),
        architecture=found.model_architecture,
        instruct_supported=found.instruct_supported,
        model_units=found.custom_model_units.per_copy if found.custom_model_units else None,
        source_uri=source.s3.uri if source and source.s3 else None,
        created_at=unix_seconds(found.creation_time),
    )


async def _profile(reading: Reading) -> Card:
    """A profile of AWS's own says its model in its id; one of the account's has to be read."""
    told = base_model(reading.subject.arn)
    if told is not None:
        found = await reading.read_if_allowed(InferenceProfile, reading.subject.arn)
    else:
        found = await reading.read(InferenceProfile, reading.subject.arn)
    models = [base for model in found.models if (base := base_model(model.model_arn or ""))] if found else []
    return replace(
        _blank(reading.subject),
        base_model=told or next(iter(models), None),
        created_at=unix_seconds(found.created_at) if found else None,
        status=found.status if found else None,
    )


async def _foundation(reading: Reading) -> Card:
    """The id says all that matters; the read tells whether AWS still serves it."""
    found = await reading.read_if_allowed(FoundationModel, reading.subject.arn)
    details = found.model_details if found else None
    lifecycle = details.model_lifecycle if details else None
    return replace(
        _blank(reading.subject), base_model=base_model(reading.subject.arn), status=lifecycle.status if lifecycle else None
    )


_WALKS: Mapping[Kind, Callable[[Reading], Awaitable[Card]]] = {
    "provisioned-model": _throughput,
    "custom-model-deployment": _deployment,
    "imported-model": _imported,
    "inference-profile": _profile,
    "foundation-model": _foundation,
}


def _blank(subject: Subject) -> Card:
    return Card(subject.arn, subject.kind, subject.region)


def _unidentified(failure: ReadFailed, subject: Subject) -> Unidentified:
    error = failure.error
    if failure.name in _MISSING:
        return Unidentified(f"knows no such {subject.kind} in {subject.region}", gone=True)
    if failure.name in _DENIED:
        return Unidentified(
            f"does not allow {subject.role_arn or 'this gateway'} the IAM action bedrock:{failure.operation} on it"
        )
    if isinstance(error, DeadlineExceeded):
        return Unidentified(f"did not answer in time ({failure.operation} in {subject.region})")
    if isinstance(error, UpstreamThrottled):
        return Unidentified(f"is asked too often ({failure.operation} in {subject.region})")
    if not failure.name:
        return Unidentified(f"could not be asked ({failure.operation} in {subject.region}): {error.detail or error}")
    return Unidentified(f"answered {failure.operation} with {failure.name}: {error.detail or error}")
