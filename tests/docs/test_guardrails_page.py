"""docs/guardrails.md: its configuration is accepted, its table is the code's."""

import re
from pathlib import Path

import pytest

from gateway.configuration import check
from gateway.guardrails.inline import TAKES
from gateway.settings import decode
from tests.docs.pages import Block, blocks

PAGE = Path("docs/guardrails.md")


@pytest.mark.parametrize("block", blocks(PAGE, "yaml"))
def test_the_configuration_has_no_problem(block: Block) -> None:
    """What can be copied from the page is accepted, without a warning."""
    settings, problems = decode(block.text.encode(), {})

    assert check(settings, name="page", problems=problems).warnings == ()


def test_the_kinds_are_the_code_s() -> None:
    """Every kind of ARN stands in the table, with the way that it goes."""
    told = re.findall(r"^\| `([a-z-]+)` \| (inside|around) the call \|$", PAGE.read_text(), re.MULTILINE)

    assert {kind: way == "inside" for kind, way in told} == dict(TAKES)
