"""Inference profiles: AWS's own, which route a base model over regions, and one of the account's. Data; no behaviour.

No custom model can stand behind one: ``CreateInferenceProfile`` copies from base models and profiles alone.
Source: botocore's service model 2023-04-20; ids and names as AWS's page of supported profiles has them.
"""

from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

ACCOUNT = "123456789012"
CREATED = datetime(2025, 6, 2, 9, 30, tzinfo=UTC)


class Profile(Struct, frozen=True):
    """One inference profile.

    Attributes:
        id: The end of its ARN; AWS's own say their model in it, the account's do not.
        model_id: The base model behind it.
        regions: Where it routes to.
    """

    id: str
    name: str
    arn: str
    type: Literal["SYSTEM_DEFINED", "APPLICATION"]
    model_id: str
    regions: tuple[str, ...]


def profiles(region: str) -> tuple[Profile, ...]:
    """The profiles that the account sees from a region; always the same."""
    return (
        _of_aws("us", "US Anthropic Claude 3 Haiku", "anthropic.claude-3-haiku-20240307-v1:0", region),
        _of_aws("us", "US Nova Lite", "amazon.nova-lite-v1:0", region),
        _of_the_account("nova-lite-costs", "amazon.nova-lite-v1:0", "k1c0sts0n0va", region),
    )


def _of_aws(prefix: str, name: str, model_id: str, region: str) -> Profile:
    identifier = f"{prefix}.{model_id}"
    arn = f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{identifier}"
    return Profile(identifier, name, arn, "SYSTEM_DEFINED", model_id, ("us-east-1", "us-east-2", "us-west-2"))


def _of_the_account(name: str, model_id: str, identifier: str, region: str) -> Profile:
    arn = f"arn:aws:bedrock:{region}:{ACCOUNT}:application-inference-profile/{identifier}"
    return Profile(identifier, name, arn, "APPLICATION", model_id, (region,))
