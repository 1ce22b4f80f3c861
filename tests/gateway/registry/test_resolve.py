"""Alias and key to route: who may, what is unknown, and what a refusal gives away."""

import pytest

from gateway.errors import ModelNotAllowed, ModelNotFound
from gateway.keys.model import Key
from gateway.registry.model import Route, Snapshot, Target
from gateway.registry.resolve import resolve

ARN = "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1b2c3d4e5f6"


def registry(*aliases):
    return Snapshot(
        routes={alias: Route(alias, (Target(alias, ARN, "us-west-2", "provisioned-model", "claude"),)) for alias in aliases},
        created_at=0,
    )


def key(*models):
    return Key(id="k", name="k", owner="", hash="0" * 64, models=models)


def test_a_key_gets_the_routes_of_its_globs():
    """A glob opens the aliases that it covers, and ``*`` all of them."""
    routes = registry("support-haiku", "sales")

    assert resolve(routes, "support-haiku", key("support-*")).alias == "support-haiku"
    assert resolve(routes, "sales", key("*")).alias == "sales"
    assert resolve(routes, "sales", key("x", "sales")).alias == "sales"


def test_an_unknown_alias_is_not_found():
    """404, with the nearest alias that the key may use."""
    with pytest.raises(ModelNotFound) as caught:
        resolve(registry("support-haiku"), "support-haikuu", key("*"))

    assert caught.value.parameter == "model"
    assert str(caught.value) == 'There is no model "support-haikuu". Did you mean "support-haiku"?'


@pytest.mark.parametrize("models", [("support-*",), (), ("SECRET",), ("secre",)])
def test_another_teams_alias_is_not_allowed(models):
    """403 for an alias outside the key's globs, which match the case and the whole name."""
    with pytest.raises(ModelNotAllowed) as caught:
        resolve(registry("secret"), "secret", key(*models))

    assert caught.value.parameter == "model"


def test_a_key_cannot_learn_which_names_exist():
    """Outside its globs a key reads the same of an alias that exists and of one that does not."""
    routes = registry("secret", "support-a")

    answers = []
    for alias in ("secret", "absent"):
        with pytest.raises(ModelNotAllowed) as caught:
            resolve(routes, alias, key("support-*"))
        answers.append(str(caught.value).replace(alias, "NAME"))

    assert answers[0] == answers[1]


def test_a_suggestion_gives_no_other_teams_name_away():
    """The nearest alias is looked for among the key's own only."""
    with pytest.raises(ModelNotFound) as caught:
        resolve(registry("support-secret"), "support-secre", key("support-secre"))

    assert "support-secret" not in str(caught.value)


def test_an_arn_is_no_alias():
    """A data key cannot reach a target by its ARN."""
    with pytest.raises(ModelNotFound):
        resolve(registry("a"), ARN, key("*"))


def test_a_huge_name_is_answered_shortly():
    """A megabyte of model name is neither compared nor echoed."""
    with pytest.raises(ModelNotFound) as caught:
        resolve(registry("a"), "a" * 1_000_000, key("*"))

    assert len(str(caught.value)) < 300
