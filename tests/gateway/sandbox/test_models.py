"""The account's models: stable, well formed, found by every name that AWS accepts."""

import re

import pytest

from gateway.sandbox.dialects.catalogue import DIALECTS
from gateway.sandbox.models import Shelf, models

PATTERNS = {
    "provisioned-model": r"arn:aws:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:provisioned-model/[a-z0-9]{12}",
    "custom-model-deployment": r"arn:aws:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:custom-model-deployment/[a-z0-9]{12}",
    "imported-model": r"arn:aws:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:imported-model/[a-z0-9]{12}",
    "foundation-model": r"arn:aws:bedrock:[a-z0-9-]{1,20}::foundation-model/[a-z0-9-]+[.][a-z0-9.:-]+",
}


@pytest.mark.parametrize("model", models("eu-central-1"), ids=lambda model: model.name)
def test_every_arn_has_the_form_that_aws_demands(model):
    """AWS's own pattern for its kind, in the region asked for; and its body can be read."""
    assert re.fullmatch(PATTERNS[model.kind], model.arn)
    assert ":eu-central-1:" in model.arn
    assert model.family in DIALECTS


def test_arns_are_the_same_for_ever():
    """Other people's configurations name these."""
    first = {model.name: model.arn for model in models()}

    assert first["titan-support"] == "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1t1t4n0e5p1"
    assert first["haiku-support"] == "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/e5ha1ku3c1au"
    assert first["qwen-import"] == "arn:aws:bedrock:us-west-2:123456789012:imported-model/i9qw3n2570b0"


@pytest.mark.parametrize(
    ("identifier", "base"),
    [
        ("haiku-support", "anthropic.claude-3-haiku-20240307-v1:0"),
        ("meta.llama2-13b-v1", "meta.llama2-13b-v1"),
        ("arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
    ],
)
def test_found_by_name_and_by_base_id(identifier, base):
    """A throughput's name, a bare base id and a base model's ARN are all a ``modelId``."""
    assert Shelf(models(), "us-west-2").find(identifier).base.model_id == base


@pytest.mark.parametrize("identifier", ["", "Command R", "amazon.nothing-v1", "arn:aws:bedrock:us-west-2::foundation-model/x"])
def test_nothing_else_is_found(identifier):
    """A display name is no identifier."""
    assert Shelf(models(), "us-west-2").find(identifier) is None
