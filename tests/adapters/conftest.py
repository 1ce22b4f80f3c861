"""Golden native bodies for the adapters' tests."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Examples are judged by their result, not by a clock that others share.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="session")
def golden_body():
    """Bytes of ``tests/golden/<name>.json``."""
    return lambda name: (GOLDEN / f"{name}.json").read_bytes()


@pytest.fixture(scope="session")
def golden_chunks():
    """Chunks of ``tests/golden/<name>.chunks.jsonl``, one a line."""
    return lambda name: (GOLDEN / f"{name}.chunks.jsonl").read_bytes().splitlines()
