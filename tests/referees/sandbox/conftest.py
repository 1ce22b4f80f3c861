"""A sandbox, and boto3 in front of it."""

import pytest

from gateway.sandbox.serve import background
from gateway.sandbox.world import World
from tests.referees.sandbox.calls import make_client


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def url(world):
    with background(world) as address:
        yield address


@pytest.fixture(autouse=True)
def _fresh(world, monkeypatch):
    """Every test meets the world of the first day, and no stray bearer key changes who boto3 is."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    world.reset()


@pytest.fixture(scope="module")
def runtime(url):
    return make_client("bedrock-runtime", url)


@pytest.fixture(scope="module")
def control(url):
    return make_client("bedrock", url)
