"""Which targets and fallbacks go together: an alias answers, or makes vectors of one model."""

from typing import Any

import pytest

from adapters import FAMILIES
from gateway.registry.document import Document, snapshot
from gateway.settings import Route, Target

V1, V2 = ("arn:aws:bedrock:us-west-2::foundation-model/amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0")
BOUGHT = "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1b2c3d4e5f6"
ENGLISH, MULTILINGUAL = "cohere.embed-english-v3", "cohere.embed-multilingual-v3"


def target(arn: str, family: str) -> Target:
    return Target(arn=arn, family=family, region="us-west-2")


def read(**models: Route) -> Document:
    return snapshot(models, region=None, families=FAMILIES, created_at=1)


def problems(**models: Route) -> list[str]:
    return [str(problem) for problem in read(**models).problems]


TITAN = target(V2, "titan_embed")
CHAT = target(BOUGHT, "claude")

MIXED = {
    "a chat": ((TITAN, CHAT), "an alias does one of both"),
    "another family": ((TITAN, target(V1, "titan_embed_g1")), 'vectors of "titan_embed" and "titan_embed_g1"'),
    "another model": (
        (target(ENGLISH, "cohere_embed"), target(MULTILINGUAL, "cohere_embed")),
        f'vectors of "{ENGLISH}" and "{MULTILINGUAL}"',
    ),
}


@pytest.mark.parametrize(("targets", "says"), MIXED.values(), ids=MIXED)
def test_what_makes_other_vectors_is_another_alias(targets: Any, says: str) -> None:
    """Nothing would show that they cannot be compared."""
    (problem,) = problems(one=Route(targets=targets))

    assert problem.startswith("models.one.targets: ")
    assert says in problem


def test_the_same_model_may_stand_in_two_places() -> None:
    """Bought and on demand, or in two regions: as far as anybody can tell, one model."""
    assert problems(one=Route(targets=(TITAN, target(BOUGHT, "titan_embed")))) == []


@pytest.mark.parametrize(("first", "second", "does"), [(TITAN, CHAT, "answers chats"), (CHAT, TITAN, "makes embeddings")])
def test_a_fallback_does_the_same(first: Target, second: Target, does: str) -> None:
    """One that could never take over is refused at the start."""
    (problem,) = problems(one=Route(targets=(first,), fallbacks=("two",)), two=Route(targets=(second,)))

    assert problem.startswith("models.one.fallbacks[0]: ")
    assert does in problem


@pytest.mark.parametrize(("other", "warned"), [(TITAN, 0), (target(BOUGHT, "titan_embed"), 1), (target(V1, "titan_embed_g1"), 1)])
def test_a_fallback_to_other_vectors_is_warned_of(other: Target, warned: int) -> None:
    """The operator may want it; nobody should have it by mistake."""
    made = read(one=Route(targets=(TITAN,), fallbacks=("two",)), two=Route(targets=(other,)))

    assert made.problems == []
    assert len(made.warnings) == warned
    assert all("cannot be compared" in warning for warning in made.warnings)


def test_defaults_are_those_of_embeddings() -> None:
    """With a value that the model has."""
    good = Route(targets=(TITAN,), defaults={"dimensions": 512, "normalize": False}, ignore_parameters=("input_type",))

    assert problems(one=good) == []
    assert read(one=good).snapshot.routes["one"].defaults == {"dimensions": 512, "normalize": False}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"defaults": {"dimensions": 500}}, "send 256 or 512 or 1024"),
        ({"defaults": {"input_type": "search_query"}}, "input_type is not supported"),
        ({"defaults": {"temperature": 0}}, "no parameter of embeddings"),
        ({"ignore_parameters": ("dimensions",)}, "of no use"),
    ],
)
def test_what_would_make_every_request_fail_is_refused(fields: dict[str, Any], says: str) -> None:
    """Once, at the start."""
    (problem,) = problems(one=Route(targets=(TITAN,), **fields))

    assert says in problem


def test_what_is_open_is_not_judged() -> None:
    """Until AWS has said what it is."""
    unknown = Target(arn=BOUGHT, region="us-west-2")

    assert problems(one=Route(targets=(TITAN, unknown), defaults={"dimensions": 512}), two=Route(targets=(unknown,))) == []
