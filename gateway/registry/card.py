"""What the account says of one target: its identity card. Facts alone; knows neither how they were read nor what is made of them."""

from msgspec import Struct

from gateway.registry.model import Kind


class Card(Struct, frozen=True):
    """One invocable thing, as AWS's control plane described it.

    ``None`` is "AWS did not say", whatever the reason: the kind has no such fact, or the reply left it out.

    Attributes:
        arn: What was asked for: the target's own ARN or bare id.
        family: A key of ``adapters.FAMILIES``, as far as the facts decide one.
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
