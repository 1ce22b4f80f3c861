"""The policies grant what an inference-only gateway does, and nothing else."""

import json

import pytest

from deploy.check import ROOT
from gateway.bedrock.facts import Fact

FOLDER = ROOT / "deploy/iam"
HERE = "arn:aws:bedrock:us-west-2:123456789012:"

GRANTS = {
    "inference.json": {
        action: {f"{HERE}provisioned-model/*", f"{HERE}custom-model-deployment/*", f"{HERE}imported-model/*"}
        for action in ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
    },
    "identify.json": {
        "bedrock:GetProvisionedModelThroughput": {f"{HERE}provisioned-model/*"},
        "bedrock:GetCustomModelDeployment": {f"{HERE}custom-model-deployment/*"},
        "bedrock:GetCustomModel": {f"{HERE}custom-model/*"},
        "bedrock:GetImportedModel": {f"{HERE}imported-model/*"},
        "bedrock:GetInferenceProfile": {f"{HERE}inference-profile/*", f"{HERE}application-inference-profile/*"},
        "bedrock:GetFoundationModel": {"arn:aws:bedrock:us-west-2::foundation-model/*"},
    },
    "guardrails.json": {"bedrock:ApplyGuardrail": {f"{HERE}guardrail/*"}},
    "templates.json": {
        "s3:GetObject": {"arn:aws:s3:::my-model-bucket/*"},
        "s3:ListBucket": {"arn:aws:s3:::my-model-bucket"},
    },
    "assume-role.json": {"sts:AssumeRole": {"arn:aws:iam::210987654321:role/quarry-invoke"}},
}


def statements(name: str) -> list[dict]:
    """The statements of a policy file, its version checked on the way."""
    document = json.loads((FOLDER / name).read_text())
    assert document["Version"] == "2012-10-17"
    return document["Statement"]


def listed(value: str | list[str]) -> list[str]:
    """IAM writes one string for a list of one."""
    return [value] if isinstance(value, str) else value


def test_every_policy_is_known_here():
    """A policy that nobody has judged is not shipped."""
    assert {*GRANTS, "assume-role-trust.json"} == {path.name for path in FOLDER.iterdir()}


@pytest.mark.parametrize("name", GRANTS)
def test_grants_exactly(name):
    """Each action is allowed on exactly its resources; nothing is allowed by negation or without a resource."""
    granted: dict[str, set[str]] = {}
    for statement in statements(name):
        assert {"Sid", "Effect", "Action", "Resource"} == statement.keys()
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            granted.setdefault(action, set()).update(listed(statement["Resource"]))

    assert GRANTS[name] == granted


@pytest.mark.parametrize("name", GRANTS)
def test_no_wildcard_beyond_an_id(name):
    """A star stands for an id at an ARN's end: never for an action, an account, a region or everything."""
    for statement in statements(name):
        assert not any("*" in action for action in listed(statement["Action"]))
        for resource in listed(statement["Resource"]):
            assert "*" not in resource.removesuffix("/*")


def test_every_read_can_be_allowed():
    """What the gateway may read to identify a target, `identify.json` allows, and nothing that it never reads."""
    assert GRANTS["identify.json"].keys() == {f"bedrock:{fact.operation}" for fact in Fact.__subclasses__()}


def test_trust_names_one_role():
    """The other account trusts the gateway's role alone, and for nothing but taking the role."""
    [statement] = statements("assume-role-trust.json")

    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:role/quarry-gateway"}
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole")
    assert {"Sid", "Effect", "Principal", "Action"} == statement.keys()
