"""The grammar of what Bedrock calls ``modelId``: which kind, which region. Asks nobody, so it never learns the family.

Patterns are ours, tighter than AWS's service model and matched whole: ASCII digits only, no alternative that can
backtrack (AWS's own name patterns take minutes on hostile text in Python).
Source: botocore's service models of ``bedrock`` and ``bedrock-runtime``, shape InvokeModelIdentifier, read 2026-11-22.
"""

import re
from typing import NamedTuple

from gateway.registry.card import Kind


class Identity(NamedTuple):
    """What an ARN or a bare model id says of itself.

    Attributes:
        region: ``None`` when it names none, as bare ids do.
    """

    kind: Kind
    region: str | None


_PARTITION = r"arn:aws(?:-[a-z]{1,10}){0,2}"
_ARN = re.compile(
    _PARTITION + r":bedrock:(?P<region>[a-z0-9-]{0,20}):(?P<account>[0-9]{12}|):(?P<type>[a-z-]{1,40})/(?P<id>[^\s]{1,1024})"
)
_ROLE = re.compile(_PARTITION + r":iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")

_RESOURCE = re.compile(r"[a-z0-9]{12}")
_PROFILE = re.compile(r"[A-Za-z0-9.:-]{1,256}")
_BASE = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}(?::[a-z0-9-]{1,63}){0,2}")

# Resource type in the ARN: our kind, the grammar of its id, and whether an account must stand in the ARN.
_INVOKABLE: dict[str, tuple[Kind, re.Pattern[str], bool]] = {
    "provisioned-model": ("provisioned-model", _RESOURCE, True),
    "custom-model-deployment": ("custom-model-deployment", _RESOURCE, True),
    "imported-model": ("imported-model", _RESOURCE, True),
    "inference-profile": ("inference-profile", _PROFILE, True),
    "application-inference-profile": ("inference-profile", _PROFILE, True),
    "foundation-model": ("foundation-model", _BASE, False),
}

# What people paste instead, and what to write.
_NOT_INVOKABLE = {
    "custom-model": "a custom model is invoked through its provisioned throughput or its deployment: write that one's ARN",
    "model-customization-job": "this is the job that made a model: write the ARN of the model's provisioned throughput or deployment",
    "model-import-job": "this is the job that imported a model: write the ARN of the imported model",
}

# Bare ids of cross-region profiles begin with where they route to.
_PROFILE_PREFIXES = frozenset({"us", "us-gov", "eu", "apac", "jp", "au", "ca", "global"})


def identify(text: str) -> Identity:
    """What an ARN, or a bare base-model or profile id, is.

    Raises:
        ValueError: It is nothing that can be invoked; the message says what to write.
    """
    found = _ARN.fullmatch(text)
    if found is None:
        return _bare(text)
    if found["type"] in _NOT_INVOKABLE:
        raise ValueError(_NOT_INVOKABLE[found["type"]])
    if found["type"] not in _INVOKABLE:
        raise ValueError(f"{found['type']} is nothing that can be invoked here; known are {', '.join(_INVOKABLE)}")
    kind, grammar, owned = _INVOKABLE[found["type"]]
    if owned != bool(found["account"]):
        raise ValueError(
            f"the ARN of a {found['type']} {'needs' if owned else 'has'} {'a 12-digit' if owned else 'no'} account id"
        )
    if not grammar.fullmatch(found["id"]):
        raise ValueError(f"what follows {found['type']}/ must be {_ID_WORDS[grammar]}")
    if not is_region(found["region"]):
        raise ValueError("the ARN's fourth part must be a region, as in us-west-2")
    return Identity(kind, found["region"])


_ID_WORDS = {
    _RESOURCE: "12 lower-case letters and digits",
    _PROFILE: "letters, digits, dots, colons and hyphens",
    _BASE: "a base model's id, as in anthropic.claude-3-haiku-20240307-v1:0",
}


def _bare(text: str) -> Identity:
    if not _BASE.fullmatch(text):
        raise ValueError(
            "this is no Bedrock ARN; write one like arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1b2c3d4e5f6 "
            "(or custom-model-deployment/…, imported-model/…)"
        )
    is_profile = text.split(".", 1)[0] in _PROFILE_PREFIXES
    return Identity("inference-profile" if is_profile else "foundation-model", None)


def base_model(text: str) -> str | None:
    """The base model's id that stands in an ARN or a bare id, without region prefix and context; ``None`` where none does.

    ``amazon.titan-text-express-v1:0:8k``, the variant that throughput is sold for, is ``amazon.titan-text-express-v1:0``.
    Custom models carry their base between the kind and their own id: seen in recorded replies of cloud-custodian, 2026-08.
    """
    found = _NAMES_BASE.fullmatch(text)
    name = found["base"] if found is not None else text
    if not _BASE.fullmatch(name):
        return None
    prefix, _, rest = name.partition(".")
    return ":".join((rest if prefix in _PROFILE_PREFIXES else name).split(":")[:2])


_NAMES_BASE = re.compile(
    _PARTITION + r":bedrock:[a-z0-9-]{0,20}:(?:[0-9]{12}|):"
    r"(?:foundation-model|inference-profile|custom-model)/(?P<base>[^/\s]{1,256})(?:/[a-z0-9]{12})?"
)


def is_region(text: str) -> bool:
    """Whether it has the form of an AWS region, such as ``us-west-2`` or ``us-gov-east-1``."""
    return _REGION.fullmatch(text) is not None


def is_role(text: str) -> bool:
    """Whether it is the ARN of an IAM role."""
    return _ROLE.fullmatch(text) is not None
