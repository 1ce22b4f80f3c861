"""What an ARN says of itself, and what is no ARN that can be invoked."""

import functools
import re
import time

import botocore.loaders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.registry.arn import Identity, identify, is_region, is_role

HERE = "arn:aws:bedrock:us-west-2:123456789012"


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        (f"{HERE}:provisioned-model/a1b2c3d4e5f6", Identity("provisioned-model", "us-west-2")),
        (f"{HERE}:custom-model-deployment/a1b2c3d4e5f6", Identity("custom-model-deployment", "us-west-2")),
        (f"{HERE}:imported-model/a1b2c3d4e5f6", Identity("imported-model", "us-west-2")),
        (f"{HERE}:inference-profile/us.amazon.nova-lite-v1:0", Identity("inference-profile", "us-west-2")),
        (f"{HERE}:application-inference-profile/a1b2c3d4e5f6", Identity("inference-profile", "us-west-2")),
        (
            "arn:aws:bedrock:eu-central-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
            Identity("foundation-model", "eu-central-1"),
        ),
        (
            "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:provisioned-model/a1b2c3d4e5f6",
            Identity("provisioned-model", "us-gov-west-1"),
        ),
        ("arn:aws-cn:bedrock:cn-north-1:123456789012:imported-model/a1b2c3d4e5f6", Identity("imported-model", "cn-north-1")),
        (
            "arn:aws-iso-b:bedrock:us-isob-east-1:123456789012:imported-model/a1b2c3d4e5f6",
            Identity("imported-model", "us-isob-east-1"),
        ),
        ("amazon.titan-text-express-v1", Identity("foundation-model", None)),
        ("meta.llama3-8b-instruct-v1:0", Identity("foundation-model", None)),
        ("us.meta.llama3-2-1b-instruct-v1:0", Identity("inference-profile", None)),
    ],
)
def test_an_arn_tells_kind_and_region(text, identity):
    """Each kind that can be invoked is recognised, in every partition."""
    assert identity == identify(text)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (f"{HERE}:custom-model/amazon.titan-text-express-v1:0:8k/w4vtut9aq95n", "provisioned throughput or its deployment"),
        (f"{HERE}:model-customization-job/cohere.command-text-v14:7:4k/q4ad8z8tioq8", "the job that made a model"),
        (f"{HERE}:model-import-job/a1b2c3d4e5f6", "the ARN of the imported model"),
        (f"{HERE}:guardrail/a1b2c3d4e5f6", "guardrail is nothing that can be invoked here"),
        (f"{HERE}:provisioned-model/a1b2c3", "12 lower-case letters and digits"),
        (f"{HERE}:provisioned-model/A1B2C3D4E5F6", "12 lower-case letters and digits"),
        ("arn:aws:bedrock:us-west-2::provisioned-model/a1b2c3d4e5f6", "needs a 12-digit account id"),
        (f"{HERE}:foundation-model/amazon.titan-text-lite-v1", "has no account id"),
        ("arn:aws:bedrock::123456789012:provisioned-model/a1b2c3d4e5f6", "must be a region"),
        ("arn:aws:s3:::bucket/key", "this is no Bedrock ARN"),
        ("my-throughput", "this is no Bedrock ARN"),
        ("", "this is no Bedrock ARN"),
    ],
)
def test_a_wrong_arn_is_refused_with_advice(text, advice):
    """What people paste by mistake gets the advice that mends it."""
    with pytest.raises(ValueError, match=re.escape(advice)):
        identify(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{HERE}:provisioned-model/a1b2c3d4e5f6\n",
        f"\n{HERE}:provisioned-model/a1b2c3d4e5f6",
        f"{HERE}:provisioned-model/a1b2c3d4e5f6/../x",
        f"{HERE}:provisioned-model/..%2fa1b2c3d4e5",
        f"{HERE}:provisioned-model/a1b2c3d4e5f\u0666",
        "arn:aws:bedrock:us-west-2:12345678901\u0662:provisioned-model/a1b2c3d4e5f6",
        "arn:aws:bedrock:us-west-\u0662:123456789012:provisioned-model/a1b2c3d4e5f6",
        "arn:aws:bedrock:us-west-2@evil.example:123456789012:provisioned-model/a1b2c3d4e5f6",
        "arn:aws:bedrock:evil.example/:123456789012:provisioned-model/a1b2c3d4e5f6",
        f"{HERE}:provisioned-model/a1b2c3d4e5f6 ",
        f"{HERE}:inference-profile/a/b",
    ],
)
def test_a_forged_arn_is_refused(text):
    """The whole text is matched, in ASCII: nothing can ride along into a path or a host name."""
    with pytest.raises(ValueError, match=r"."):
        identify(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a." * 50_000,
        "a-" * 50_000 + "!",
        "a.b" + ":a" * 50_000,
        "arn:aws" + "-a" * 50_000,
        f"{HERE}:custom-model/" + "a." * 5000,
    ],
)
def test_hostile_text_is_refused_at_once(text):
    """No text makes the matching backtrack; AWS's own patterns would need minutes for some."""
    began = time.process_time()

    with pytest.raises(ValueError, match=r"."):
        identify(text)

    assert time.process_time() - began < 2


@functools.cache
def service_pattern(service, shape):
    model = botocore.loaders.Loader().load_service_model(service, "service-2")
    return re.compile(model["shapes"][shape]["pattern"])


@settings(deadline=None)
@given(
    st.from_regex(
        r"arn:aws(-us-gov)?:bedrock:[a-z]{2}-[a-z]{4,9}-[1-9]:[0-9]{12}:"
        r"(provisioned-model|custom-model-deployment|imported-model)/[a-z0-9]{12}",
        fullmatch=True,
        alphabet=st.characters(codec="ascii"),
    )
)
def test_aws_takes_what_we_take(text):
    """What passes here also passes AWS's own pattern for ``modelId`` (the referee is botocore's service model)."""
    assert identify(text).kind in text
    assert service_pattern("bedrock-runtime", "InvokeModelIdentifier").fullmatch(text)


def test_regions_have_a_form():
    """Regions of today's partitions pass; a host, a typo and a number do not."""
    assert all(map(is_region, ("us-west-2", "ap-southeast-4", "us-gov-east-1", "us-iso-east-1", "eusc-de-east-1")))
    assert not any(map(is_region, ("", "us-west", "us_west_2", "US-WEST-2", "us-west-2.evil.example", "us-west-2\n")))


def test_roles_have_a_form():
    """An IAM role's ARN, with a path or without; not a user's, not a session's."""
    assert is_role("arn:aws:iam::210987654321:role/quarry-invoke")
    assert is_role("arn:aws-us-gov:iam::210987654321:role/team/quarry@invoke")
    assert not is_role("arn:aws:iam::210987654321:user/quarry")
    assert not is_role("arn:aws:sts::210987654321:assumed-role/quarry/session")
    assert not is_role("quarry-invoke")
