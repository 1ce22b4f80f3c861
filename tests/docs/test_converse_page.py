"""docs/converse.md: its reasons are the code's, its configuration is accepted."""

import re
from pathlib import Path

import pytest

from adapters.blocks.replies import WORDS
from gateway.configuration import check
from gateway.settings import decode
from tests.docs.pages import Block, blocks

PAGE = Path("docs/converse.md")


def test_the_reasons_are_the_codes() -> None:
    """Every native word stands in the table, beside what callers read."""
    table = PAGE.read_text().split("| native reason |", 1)[1].split("\n\n", 1)[0]
    told = {
        native: None if said.startswith("none") else said.strip("`")
        for natives, said in re.findall(r"^\| (`.*?) \| (.*?) \|$", table, re.MULTILINE)
        for native in re.findall(r"`(\w+)`", natives)
    }

    assert told == WORDS


@pytest.mark.parametrize("block", blocks(PAGE, "yaml"))
def test_the_configuration_has_no_problem(block: Block) -> None:
    """What can be copied from the page is accepted, without a warning."""
    key = f"keys: [{{name: backend, hash: 'sha256:{'0' * 64}'}}]\n"
    settings, problems = decode((block.text + key).encode(), {})

    assert check(settings, name="page", problems=problems).warnings == ()
