"""The alias and the operation that a path says, or that it says none."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.surface.bedrock.place import Place, place_of

PATHS = {
    "plain": (b"/bedrock/model/haiku/converse", Place("haiku", "converse")),
    "encoded": (b"/bedrock/model/team%2Fa%3A1/invoke", Place("team/a:1", "invoke")),
    "encoded twice": (b"/bedrock/model/team%252Fa/invoke", Place("team%2Fa", "invoke")),
    "not encoded": (b"/bedrock/model/team/a:1/invoke", Place("team/a:1", "invoke")),
    "slashes too many": (b"/bedrock//model//a//invoke//", Place("a", "invoke")),
    "no UTF-8": (b"/bedrock/model/%ff/invoke", Place("\ufffd", "invoke")),
    "dots": (b"/bedrock/model/../invoke", Place("..", "invoke")),
    "no operation": (b"/bedrock/model/haiku", None),
    "no alias": (b"/bedrock/model//invoke", None),
    "another thing": (b"/bedrock/guardrail/a/apply", None),
    "nothing": (b"/bedrock/", None),
    "a longer word": (b"/bedrock/models/a/invoke", None),
}


@pytest.mark.parametrize(("path", "place"), PATHS.values(), ids=PATHS.keys())
def test_a_path(path: bytes, place: Place | None) -> None:
    """What SDKs send, what people type, and what is neither."""
    assert place_of(path) == place


@given(st.text("abcXYZ019._:/-", min_size=1).filter(lambda alias: alias.strip("/") == alias))
def test_every_alias_comes_back(alias: str) -> None:
    """As boto3 encodes it."""
    assert place_of(f"/bedrock/model/{quote(alias, safe='')}/converse".encode()) == Place(alias, "converse")


def test_a_path_of_slashes() -> None:
    """Thirty thousand of them are read as fast as one."""
    assert place_of(b"/bedrock/model/" + b"/" * 30_000 + b"x") is None
