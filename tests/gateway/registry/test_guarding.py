"""Guardrails of aliases: what is read, and what is refused because it could not work or would leave a way around it."""

from typing import Any

import pytest

from gateway.configuration import SettingsError, check
from gateway.registry.model import Guardrail
from gateway.settings import decode

HERE = "arn:aws:bedrock:us-west-2:123456789012"
THERE = "arn:aws:bedrock:us-east-1:123456789012"
TARGET = f"{{arn: '{HERE}:provisioned-model/a1b2c3d4e5f6', family: claude}}"
FAR = f"{{arn: '{THERE}:provisioned-model/a1b2c3d4e5f6', family: claude}}"


def read(models: str) -> Any:
    settings, problems = decode(f"models:\n{models}".encode(), {})
    return check(settings, name="test", problems=problems).snapshot


@pytest.mark.parametrize("version", ["3", "'3'", "DRAFT"])
@pytest.mark.parametrize("name", ["gr0a1b2c3d4e", f"'{HERE}:guardrail/gr0a1b2c3d4e'"])
def test_what_is_read(name: str, version: str) -> None:
    """An id or an ARN; a version with quotes or without."""
    routes = read(f"  a: {{targets: [{TARGET}], guardrail: {{id: {name}, version: {version}}}}}").routes

    assert routes["a"].guardrail == Guardrail(name.strip("'"), version.strip("'"))


REFUSED = {
    "no id": (
        f"  a: {{targets: [{TARGET}], guardrail: {{id: 'My rail', version: 1}}}}",
        "models.a.guardrail.id (line 2): must be a guardrail's",
    ),
    "no version": (
        f"  a: {{targets: [{TARGET}], guardrail: {{id: abc, version: latest}}}}",
        "models.a.guardrail.version (line 2): must be a whole",
    ),
    "version 0": (f"  a: {{targets: [{TARGET}], guardrail: {{id: abc, version: 0}}}}", "or DRAFT, not 0"),
    "another region": (
        f"  a: {{targets: [{TARGET}], guardrail: {{id: '{THERE}:guardrail/abc', version: 1}}}}",
        "models.a.guardrail.id: the guardrail is in us-east-1, and targets of this alias are in us-west-2",
    ),
    "two regions": (f"  a: {{targets: [{TARGET}, {FAR}], guardrail: {{id: abc, version: 1}}}}", "are in us-east-1, us-west-2"),
    "vectors": (
        "  a: {targets: [{arn: amazon.titan-embed-text-v2:0, region: us-west-2, family: titan_embed}], guardrail: {id: abc, version: 1}}",
        "models.a.guardrail: this alias makes embeddings",
    ),
    "a way around": (
        f"  a: {{targets: [{TARGET}], fallbacks: [b], guardrail: {{id: abc, version: 1}}}}\n  b: {{targets: [{TARGET}]}}",
        'models.a.fallbacks[0]: "b" has no guardrail',
    ),
}


@pytest.mark.parametrize(("models", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(models: str, message: str) -> None:
    """With its place, and what to do."""
    with pytest.raises(SettingsError) as caught:
        read(models)

    assert message in str(caught.value)


def test_a_fallback_with_its_own_is_good() -> None:
    """Also when it is in another region."""
    routes = read(
        f"  a: {{targets: [{TARGET}], fallbacks: [b], guardrail: {{id: abc, version: 1}}}}\n"
        f"  b: {{targets: [{FAR}], guardrail: {{id: '{THERE}:guardrail/def', version: 2}}}}"
    ).routes

    assert routes["b"].guardrail == Guardrail(f"{THERE}:guardrail/def", "2")
