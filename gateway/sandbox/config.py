"""``quarry sandbox --config F``: what an account holds and how fast it answers, from YAML or JSON. Knows no HTTP."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gateway.sandbox.guardrails import Guardrail, guardrails
from gateway.sandbox.models import Kind, Model, base_named, models
from gateway.sandbox.signature import Credentials
from gateway.sandbox.world import World


class ModelEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One more model of the account.

    Attributes:
        name: Its short name, unique in the account.
        arn: What callers give as ``modelId``.
        base_model_id: A base model of the sandbox's catalogue; it gives the native body.
        kind: The resource type inside the ARN.
        starts_cold: Begins cold (imported models only).
    """

    name: str
    arn: str
    base_model_id: str
    kind: Kind = "provisioned-model"
    starts_cold: bool = False


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The file.

    Attributes:
        region: Of the account's ARNs.
        pace_tokens_per_second: 0 is as fast as possible.
        warm_after_seconds: From the first call to a cold imported model until it answers, on the sandbox's clock.
        idle_seconds: After so long without a call an imported model is cold again, on the sandbox's clock.
        models: Further models, beside one of every family.
        guardrails: Further guardrails, beside the account's own.
    """

    region: str = "us-west-2"
    pace_tokens_per_second: Annotated[float, Meta(ge=0)] = 0.0
    warm_after_seconds: Annotated[float, Meta(ge=0)] = 30.0
    idle_seconds: Annotated[float, Meta(ge=0)] = 300.0
    models: tuple[ModelEntry, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()


def read(path: Path) -> Config:
    """The configuration in a file.

    Raises:
        ValueError: It is no YAML, has an unknown field, or a value out of its range; the message says where.
    """
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Config)
    except msgspec.MsgspecError as problem:
        raise ValueError(f"{path}: {problem}") from problem


def world(config: Config, credentials: Credentials, *, pace: float | None = None) -> World:
    """The world that a configuration describes; ``pace`` overrides the file's.

    Raises:
        ValueError: A model names a base that the sandbox does not know.
    """
    return World(
        region=config.region,
        pace=config.pace_tokens_per_second if pace is None else pace,
        credentials=credentials,
        entries=_entries(config),
        rails=(*guardrails(), *config.guardrails),
        warm_after_seconds=config.warm_after_seconds,
        idle_seconds=config.idle_seconds,
    )


def _entries(config: Config) -> Sequence[Model]:
    return (*models(config.region), *(_model(entry) for entry in config.models))


def _model(entry: ModelEntry) -> Model:
    base = base_named(entry.base_model_id)
    if base is None:
        raise ValueError(f"models: {entry.name}: the sandbox has no base model {entry.base_model_id!r}")
    is_custom = entry.kind in {"provisioned-model", "custom-model-deployment"}
    custom = entry.arn.replace(f":{entry.kind}/", f":custom-model/{base.model_id}{base.context}/") if is_custom else None
    architecture = base.family if entry.kind == "imported-model" else None
    return Model(
        entry.name,
        base.family,
        entry.kind,
        entry.arn,
        base,
        custom_model_arn=custom,
        architecture=architecture,
        starts_cold=entry.starts_cold,
    )
