"""What the control plane answers, as far as anybody here reads it. Shapes alone; knows no socket.

Every member is optional, though AWS's model requires many: recorded replies leave required members out, and an answer
with a gap is worth more than none.

Source: botocore's service model of ``bedrock``, 2023-04-20, read 2026-11-22.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from msgspec import Struct


class Fact(Struct, frozen=True, rename="camel"):
    """What one read answers.

    Attributes:
        operation: AWS's name of the read; ``bedrock:<operation>`` is the IAM action that allows it.
        path: Up to the identifier.
    """

    operation: ClassVar[str]
    path: ClassVar[str]


class Throughput(Fact, frozen=True, rename="camel"):
    """A provisioned throughput. ``foundation_model_arn`` ends in the base model's id, with its context: ``…-v1:0:200k``."""

    operation = "GetProvisionedModelThroughput"
    path = "/provisioned-model-throughput/"

    foundation_model_arn: str | None = None
    model_arn: str | None = None
    model_units: int | None = None
    status: str | None = None
    creation_time: Any = None


class Deployment(Fact, frozen=True, rename="camel"):
    """A custom model's deployment on demand. ``model_arn`` is a custom model's."""

    operation = "GetCustomModelDeployment"
    path = "/model-customization/custom-model-deployments/"

    model_arn: str | None = None
    status: str | None = None
    created_at: Any = None


class CustomModel(Fact, frozen=True, rename="camel"):
    """A custom model. ``base_model_arn`` is a base model's, or that of the custom model it was trained from."""

    operation = "GetCustomModel"
    path = "/custom-models/"

    base_model_arn: str | None = None
    model_status: str | None = None


class S3Source(Struct, frozen=True, rename={"uri": "s3Uri"}):
    """Where weights were read from."""

    uri: str | None = None


class ModelSource(Struct, frozen=True, rename={"s3": "s3DataSource"}):
    """A union of AWS's, of which only S3 can be read by others."""

    s3: S3Source | None = None


class ModelUnits(Struct, frozen=True, rename={"per_copy": "customModelUnitsPerModelCopy"}):
    """What one running copy of an imported model is billed as."""

    per_copy: int | None = None


class ImportedModel(Fact, frozen=True, rename="camel"):
    """An imported model. It has no status: what can be read is ready."""

    operation = "GetImportedModel"
    path = "/imported-models/"

    model_architecture: str | None = None
    instruct_supported: bool | None = None
    model_data_source: ModelSource | None = None
    custom_model_units: ModelUnits | None = None
    creation_time: Any = None


class ProfiledModel(Struct, frozen=True, rename="camel"):
    """One region's copy of the model behind an inference profile."""

    model_arn: str | None = None


class InferenceProfile(Fact, frozen=True, rename="camel"):
    """An inference profile: the same model in one or several regions."""

    operation = "GetInferenceProfile"
    path = "/inference-profiles/"

    models: tuple[ProfiledModel, ...] = ()
    status: str | None = None
    created_at: Any = None


class Lifecycle(Struct, frozen=True):
    """``ACTIVE``, or ``LEGACY`` on the way to its end."""

    status: str | None = None


class ModelDetails(Struct, frozen=True, rename="camel"):
    """A base model."""

    model_id: str | None = None
    output_modalities: tuple[str, ...] = ()
    model_lifecycle: Lifecycle | None = None


class FoundationModel(Fact, frozen=True, rename="camel"):
    """A base model, in AWS's envelope."""

    operation = "GetFoundationModel"
    path = "/foundation-models/"

    model_details: ModelDetails | None = None


def unix_seconds(moment: Any) -> int | None:
    """A moment as AWS's sources write it: ISO 8601 in its model and replies, a number in some proxies' and older tools'."""
    if isinstance(moment, int | float) and not isinstance(moment, bool):
        return int(moment)
    try:
        read = datetime.fromisoformat(moment)
    except (TypeError, ValueError):
        return None
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
