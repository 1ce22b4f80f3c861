"""``make demo`` is run whole, at the narrowest terminal that it is meant for."""

import re
import sys
from pathlib import Path

import pytest

from adapters import EMBEDDERS, FAMILIES
from gateway.sandbox.models import models
from tests.docs.pages import ROOT, run

COLUMNS = 80
ALIASES = {model.name: model for model in models() if model.asked_as in FAMILIES}


@pytest.fixture(scope="module")
def printed() -> str:
    """What the demo prints; it has ended well, or there is nothing to look at."""
    return run([sys.executable, str(ROOT / "docs/examples/demo.py")], Path("/"), COLUMNS=str(COLUMNS))


def answer_of(printed: str, title: str) -> str:
    """The paragraph under a title."""
    (paragraph,) = [paragraph for paragraph in printed.split("\n\n") if paragraph.startswith(f"{title}  ")]
    return paragraph


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_answers_as_a_stream(printed: str, alias: str) -> None:
    """Its family, a summary in its own words, tokens both ways, the time to the first token and the target."""
    answer = answer_of(printed, alias)

    assert f"{alias}  {ALIASES[alias].asked_as} · " in answer
    assert "Room 614 on the sixth floor is free and quiet." in " ".join(answer.split())
    assert re.search(rf"^  \d+ \+ \d\d+ tokens · first token \d+ ms · target {alias}$", answer, re.MULTILINE)


@pytest.mark.parametrize("alias", [model.name for model in models() if model.asked_as in EMBEDDERS])
def test_every_embedder_finds_what_is_alike(printed: str, alias: str) -> None:
    """Texts about the same are nearer to each other than to another."""
    found = re.search(
        r"about a room (\d\.\d\d) alike, one about breakfast (-?\d\.\d\d)", " ".join(answer_of(printed, alias).split())
    )

    assert found is not None
    assert float(found[1]) > float(found[2])


def test_a_tool_is_called(printed: str) -> None:
    """With the right number in the right place."""
    answer = answer_of(printed, "haiku-support, with a tool")

    assert "  change_room(booking_number=48213, room=614)\n" in answer
    assert re.search(r"^  \d+ \+ \d+ tokens · whole in \d+ ms · target haiku-support$", answer, re.MULTILINE)


def test_a_cold_model_is_waited_for(printed: str) -> None:
    """One alias sleeps, and its caller is told what waking it took."""
    (held,) = re.findall(r"was asleep: held (\d+\.\d) s, answered at attempt (\d+)", printed)

    assert "was asleep" in answer_of(printed, "qwen-import")
    assert float(held[0]) > 0
    assert int(held[1]) > 1


def test_it_reads_well_on_a_narrow_terminal(printed: str) -> None:
    """No line is wider, none has blanks at its end, and every family has had its turn."""
    lines = printed.splitlines()

    assert [line for line in lines if len(line) > COLUMNS or line != line.rstrip()] == []
    known = [*FAMILIES, *EMBEDDERS]
    assert {family for family in known if f"  {family} · " in printed} == set(known)
