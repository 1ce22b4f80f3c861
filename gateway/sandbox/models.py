"""What the sandbox's account holds: base models, and one customised model for each family. Data; no behaviour.

Ids and windows are those of AWS's model pages; the twelve characters after the kind are ours, and never change.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from gateway.sandbox.profiles import ACCOUNT, Profile, profiles

Kind = Literal["provisioned-model", "custom-model-deployment", "imported-model", "foundation-model", "inference-profile"]

# The day from which imported models accept three body formats; older imports keep their architecture's own.
THREE_FORMATS_SINCE = datetime(2025, 11, 11, tzinfo=UTC)

_CUSTOMISED = datetime(2025, 8, 1, 9, 30, tzinfo=UTC)
_IMPORTED = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)
_IMPORTED_BEFORE = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)


class Base(Struct, frozen=True):
    """A foundation model, or the architecture of an imported one.

    Attributes:
        model_id: AWS's id, without the context suffix.
        family: The word for its native body.
        max_tokens: The most it may be asked to generate.
        window: Tokens of prompt that it can read.
        context: The suffix of the variant that provisioned throughput is sold for, such as ``:0:8k``.
        tunable: May be customised on Bedrock (now or when this sandbox's models were).
        modalities: ``TEXT``, ``IMAGE``: what it reads.
        writes: ``TEXT`` or ``EMBEDDING``.
        streams: Whether it can answer as a stream.
        tools: Whether it calls tools.
        thinks: Whether it thinks aloud, when asked to.
        enforces: Whether it holds its answer to a schema (and, of Claude, takes temperature or top_p, not both).
    """

    model_id: str
    name: str
    provider: str
    family: str
    max_tokens: int
    window: int
    context: str = ""
    tunable: bool = True
    modalities: tuple[str, ...] = ("TEXT",)
    writes: str = "TEXT"
    streams: bool = True
    tools: bool = False
    thinks: bool = False
    enforces: bool = False


class Model(Struct, frozen=True):
    """One invocable thing of the account.

    Attributes:
        name: A short name for people; also the provisioned model's, deployment's or imported model's name at AWS, but no
            name of a foundation model there.
        family: The word for its native body, as the gateway's configuration spells it.
        kind: The resource type inside the ARN.
        arn: What a caller gives as ``modelId``.
        created: When it was made.
        custom_model_arn: What the throughput or the deployment serves; ``None`` for the other kinds.
        architecture: Of an imported model, as ``GetImportedModel`` tells it.
        starts_cold: Begins outside the hardware (imported models only).
        instruct: Whether an imported model supports Converse.
        converses: The gateway's own alias asks it by Converse, whatever its native body.
        status: In AWS's word, where it is not simply in service.
    """

    name: str
    family: str
    kind: Kind
    arn: str
    base: Base
    created: datetime = _CUSTOMISED
    custom_model_arn: str | None = None
    architecture: str | None = None
    starts_cold: bool = False
    instruct: bool = False
    converses: bool = False
    status: str | None = None

    @property
    def asked_as(self) -> str:
        """The family that the gateway's alias of this model names."""
        return "converse" if self.converses else self.family

    @property
    def has_three_formats(self) -> bool:
        """Whether the fields of the body, not the family, decide its format."""
        return self.kind == "imported-model" and self.created >= THREE_FORMATS_SINCE


def _embedding(model_id: str, name: str, provider: str, family: str, window: int, *modalities: str) -> Base:
    """A base model that embeds; of these Titan Multimodal alone is tunable, which reads images as well."""
    return Base(
        model_id,
        name,
        provider,
        family,
        0,
        window,
        tunable=family == "titan_embed_image",
        modalities=modalities or ("TEXT",),
        writes="EMBEDDING",
        streams=False,
    )


BASES = (
    Base("amazon.titan-text-express-v1", "Titan Text G1 - Express", "Amazon", "titan", 8192, 8000, ":0:8k"),
    Base("amazon.titan-text-lite-v1", "Titan Text G1 - Lite", "Amazon", "titan", 4096, 4000, ":0:4k"),
    Base("amazon.titan-text-premier-v1:0", "Titan Text G1 - Premier", "Amazon", "titan", 3072, 32000),
    Base("cohere.command-text-v14", "Command", "Cohere", "cohere", 4096, 4000, ":7:4k"),
    Base("cohere.command-light-text-v14", "Command Light", "Cohere", "cohere", 4096, 4000, ":7:4k"),
    Base("cohere.command-r-v1:0", "Command R", "Cohere", "cohere_chat", 4096, 128000, tunable=False, tools=True),
    Base("meta.llama2-13b-v1", "Llama 2 13B", "Meta", "llama2", 2048, 4096, ":0:4k"),
    Base("meta.llama3-1-8b-instruct-v1:0", "Llama 3.1 8B Instruct", "Meta", "llama3", 2048, 128000, ":128k", tools=True),
    Base(
        "meta.llama3-2-11b-instruct-v1:0",
        "Llama 3.2 11B Vision Instruct",
        "Meta",
        "llama3",
        2048,
        128000,
        ":128k",
        modalities=("TEXT", "IMAGE"),
        tools=True,
    ),
    Base("meta.llama3-3-70b-instruct-v1:0", "Llama 3.3 70B Instruct", "Meta", "llama3", 2048, 128000, ":128k", tools=True),
    Base(
        "anthropic.claude-3-haiku-20240307-v1:0",
        "Claude 3 Haiku",
        "Anthropic",
        "claude",
        4096,
        200000,
        ":200k",
        modalities=("TEXT", "IMAGE"),
        tools=True,
    ),
    Base(
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        "Claude 3.7 Sonnet",
        "Anthropic",
        "claude",
        64000,
        200000,
        tunable=False,
        modalities=("TEXT", "IMAGE"),
        tools=True,
        thinks=True,
    ),
    Base(
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "Claude Sonnet 4.5",
        "Anthropic",
        "claude_4_5",
        64000,
        200000,
        tunable=False,
        modalities=("TEXT", "IMAGE"),
        tools=True,
        thinks=True,
        enforces=True,
    ),
    Base("mistral.mistral-7b-instruct-v0:2", "Mistral 7B Instruct", "Mistral AI", "mistral", 8192, 32000, tunable=False),
    Base(
        "mistral.mistral-large-2407-v1:0",
        "Mistral Large (24.07)",
        "Mistral AI",
        "mistral_chat",
        8192,
        128000,
        tunable=False,
        tools=True,
    ),
    Base(
        "amazon.nova-lite-v1:0", "Nova Lite", "Amazon", "nova", 10000, 300000, ":300k", modalities=("TEXT", "IMAGE"), tools=True
    ),
    _embedding("amazon.titan-embed-text-v2:0", "Titan Text Embeddings V2", "Amazon", "titan_embed", 8192),
    _embedding("amazon.titan-embed-text-v1", "Titan Embeddings G1 - Text", "Amazon", "titan_embed_g1", 8192),
    _embedding(
        "amazon.titan-embed-image-v1", "Titan Multimodal Embeddings G1", "Amazon", "titan_embed_image", 256, "TEXT", "IMAGE"
    ),
    _embedding("cohere.embed-english-v3", "Embed English", "Cohere", "cohere_embed", 512),
    _embedding("cohere.embed-multilingual-v3", "Embed Multilingual", "Cohere", "cohere_embed", 512),
    _embedding("cohere.embed-v4:0", "Embed v4", "Cohere", "cohere_embed_v4", 128000, "TEXT", "IMAGE"),
)

# Architectures of imported models: not in AWS's catalogue, so they never appear among the foundation models.
_GPT_OSS = Base("gpt-oss-20b", "gpt-oss-20b", "imported", "openai_chat", 131072, 131072, tools=True)
_QWEN = Base("qwen2.5-7b", "Qwen2.5 7B", "imported", "openai_completion", 32768, 32768)
_MISTRAL = Base("mistral-7b", "Mistral 7B", "imported", "mistral", 8192, 32000)


def base_named(model_id: str) -> Base | None:
    """The base model of this id, or ``None``."""
    return next((base for base in BASES if base.model_id == model_id), None)


def foundation_arn(base: Base, region: str, *, contextual: bool = False) -> str:
    """The ARN of a base model; ``contextual`` for the variant that throughput is bought for."""
    suffix = base.context if contextual else ""
    return f"arn:aws:bedrock:{region}::foundation-model/{base.model_id}{suffix}"


def models(region: str = "us-west-2") -> tuple[Model, ...]:
    """One model for each family, and one that is asked by Converse; the same ARNs for ever, all in the account 123456789012.

    AWS serves some of these in one region only (gpt-oss imports, Nova deployments), and newer Claudes by inference profiles
    alone; the sandbox has them in any, by their ids.
    """
    return (
        _provisioned("titan-support", "amazon.titan-text-express-v1", "a1t1t4n0e5p1", region),
        _provisioned("command-light-support", "cohere.command-light-text-v14", "b2c0m4nd1t3a", region),
        _provisioned("llama2-support", "meta.llama2-13b-v1", "c311am4tw013", region),
        _provisioned("llama3-support", "meta.llama3-1-8b-instruct-v1:0", "d411am4thr33", region),
        _provisioned("haiku-support", "anthropic.claude-3-haiku-20240307-v1:0", "e5ha1ku3c1au", region),
        _deployment("llama3-70b-support", "meta.llama3-3-70b-instruct-v1:0", "f611am4d3p10", region),
        _deployment("nova-lite-support", "amazon.nova-lite-v1:0", "g7n0va11t3dp", region),
        _imported("gpt-oss-import", _GPT_OSS, "gpt_oss", "h8gpt0ss2020", region),
        _imported("qwen-import", _QWEN, "qwen2", "i9qw3n2570b0", region, starts_cold=True),
        _imported("mistral-import", _MISTRAL, "mistral", "j0m1str41707", region, created=_IMPORTED_BEFORE, instruct=True),
        _provisioned("haiku-converse", "anthropic.claude-3-haiku-20240307-v1:0", "k2ha1kuc0nv3", region, converses=True),
        _provisioned("titan-image-embed", "amazon.titan-embed-image-v1", "l3t1tan1mag3", region),
        *(_on_demand(name, model_id, region) for name, model_id in _NEVER_CUSTOMISED.items()),
    )


_NEVER_CUSTOMISED = {
    "command-r": "cohere.command-r-v1:0",
    "sonnet-3-7": "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "sonnet-4-5": "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "mistral-large": "mistral.mistral-large-2407-v1:0",
    "titan-embed": "amazon.titan-embed-text-v2:0",
    "titan-embed-g1": "amazon.titan-embed-text-v1",
    "cohere-embed": "cohere.embed-english-v3",
    "cohere-embed-v4": "cohere.embed-v4:0",
}


def _known(model_id: str) -> Base:
    return next(base for base in BASES if base.model_id == model_id)


def _custom_model_arn(base: Base, identifier: str, region: str) -> str:
    return f"arn:aws:bedrock:{region}:{ACCOUNT}:custom-model/{base.model_id}{base.context}/{identifier}"


def _provisioned(name: str, model_id: str, identifier: str, region: str, *, converses: bool = False) -> Model:
    base = _known(model_id)
    arn = f"arn:aws:bedrock:{region}:{ACCOUNT}:provisioned-model/{identifier}"
    custom = _custom_model_arn(base, identifier, region)
    return Model(name, base.family, "provisioned-model", arn, base, custom_model_arn=custom, converses=converses)


def _deployment(name: str, model_id: str, identifier: str, region: str) -> Model:
    base = _known(model_id)
    arn = f"arn:aws:bedrock:{region}:{ACCOUNT}:custom-model-deployment/{identifier}"
    custom = _custom_model_arn(base, identifier, region)
    return Model(name, base.family, "custom-model-deployment", arn, base, custom_model_arn=custom)


def _imported(
    name: str,
    base: Base,
    architecture: str,
    identifier: str,
    region: str,
    *,
    created: datetime = _IMPORTED,
    starts_cold: bool = False,
    instruct: bool = False,
) -> Model:
    arn = f"arn:aws:bedrock:{region}:{ACCOUNT}:imported-model/{identifier}"
    return Model(
        name,
        base.family,
        "imported-model",
        arn,
        base,
        created=created,
        architecture=architecture,
        starts_cold=starts_cold,
        instruct=instruct,
    )


def _on_demand(name: str, model_id: str, region: str) -> Model:
    base = _known(model_id)
    return Model(name, base.family, "foundation-model", foundation_arn(base, region), base)


class Shelf:
    """The account's models, found by whatever AWS accepts as ``modelId``."""

    def __init__(self, entries: Iterable[Model], region: str) -> None:
        self.region = region
        self.entries = tuple(entries)
        self.profiles = profiles(region)
        self._by_arn = {model.arn: model for model in self.entries}
        self._by_name = {model.name: model for model in self.entries if model.kind != "foundation-model"}

    def find(self, identifier: str) -> Model | None:
        """The model of this ARN, name or base model id; ``None`` if the account has none."""
        known = self._by_arn.get(identifier) or self._by_name.get(identifier)
        return known or self._base(identifier) or self._profiled(identifier)

    def _base(self, identifier: str) -> Model | None:
        _, separator, model_id = identifier.partition("::foundation-model/")
        base = base_named(model_id if separator else identifier)
        if base is None:
            return None
        return Model(base.name, base.family, "foundation-model", foundation_arn(base, self.region), base)

    def profile(self, identifier: str) -> Profile | None:
        """The inference profile of this ARN or id."""
        return next((profile for profile in self.profiles if identifier in {profile.id, profile.arn}), None)

    def _profiled(self, identifier: str) -> Model | None:
        profile = self.profile(identifier)
        if profile is None:
            return None
        base = _known(profile.model_id)
        return Model(profile.name, base.family, "inference-profile", profile.arn, base)

    def of_kind(self, kind: Kind) -> list[Model]:
        """The models of one kind, in their order."""
        return [model for model in self.entries if model.kind == kind]
