"""What docs/identify.md shows is what happens: its configuration, over a sandbox, with its commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.registry.card import Card
from gateway.registry.families import BASES, COMPLETION, THREE_BODIES_SINCE, verdict
from gateway.sandbox import faults
from gateway.sandbox.models import Shelf
from gateway.sandbox.serve import background
from gateway.sandbox.world import World
from tests.docs.pages import Block, blocks, looks_like, names, run

PAGE = Path("docs/identify.md")
SHOWN_SANDBOX = "http://127.0.0.1:9000"
KEYS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}


@pytest.fixture(scope="module")
def account() -> Iterator[tuple[World, str]]:
    """The sandbox that stands for an account."""
    world = World()
    with background(world) as url:
        yield world, url


@pytest.fixture
def folder(account: tuple[World, str], tmp_path: Path) -> Path:
    """A folder with the page's configuration, its sandbox where ours is."""
    account[0].reset()
    (block,) = blocks(PAGE, "yaml")
    (tmp_path / "quarry.yaml").write_text(block.text.replace(SHOWN_SANDBOX, account[1]))
    return tmp_path


@pytest.mark.parametrize("block", names(blocks(PAGE, "console")))
def test_commands_print_what_is_shown(block: Block, folder: Path) -> None:
    """Each prints the listing below it."""
    (command,) = re.findall(r"^\$ (.*)$", block.text, re.MULTILINE)

    printed = run(["bash", "-euc", command], folder, **KEYS)

    assert block.output is not None
    assert looks_like(block.output, printed), printed


def test_a_check_asks_nobody(account: tuple[World, str], folder: Path) -> None:
    """Without --identify neither command makes a call."""
    world, _ = account
    for command in ("quarry serve --check", "quarry explain support"):
        run(["bash", "-euc", command], folder, **KEYS)

    assert list(world.log) == []


@pytest.mark.parametrize(("shown", "is_there"), [(0, True), (1, False)], ids=["denied", "deleted"])
def test_the_refusals_are_the_ones_that_come(
    account: tuple[World, str], folder: Path, monkeypatch: pytest.MonkeyPatch, shown: int, is_there: bool
) -> None:
    """A start without the permission, or without the thing, is refused in the page's words."""
    world, _ = account
    text = (folder / "quarry.yaml").read_text()
    (folder / "quarry.yaml").write_text(text.partition("  drafts:")[0])
    shelf = world.shelf
    if is_there:
        world.faults.plant("no", faults.Error(name="AccessDeniedException"))
    else:
        world.shelf = Shelf([model for model in shelf.entries if model.name != "haiku-support"], shelf.region)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)

    result = CliRunner().invoke(main, ["serve", "--config", str(folder / "quarry.yaml")])
    world.shelf = shelf

    listings = [block.text for block in blocks(PAGE, "text") if block.text.startswith("quarry.yaml has")]
    assert result.exit_code == 1
    assert looks_like(f"Error: {listings[shown]}", result.output.replace(f"{folder}/", ""))


def test_the_table_of_bodies_is_what_is_decided() -> None:
    """Each row of the page's table of imports is the verdict on a card with those facts."""
    table = re.findall(r"^\| (since|before) \| (.*?) \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    chosen = [re.findall(r"`(\w+)`", cell) for _, _, cell in table]

    def decided(architecture: str, *, since: bool, instruct: bool | None = None) -> str | None:
        at = THREE_BODIES_SINCE - (0 if since else 1)
        card = Card("x", "imported-model", "us-west-2", architecture=architecture, created_at=at, instruct_supported=instruct)
        return verdict(card, {*BASES.values(), COMPLETION}).family

    assert chosen == [
        [decided("qwen2", since=True)],
        [decided("llama", since=True)],
        [decided("mixtral", since=False)],
        [decided("llama2", since=False), decided("llama3", since=False)],
        [decided("llama", since=False, instruct=True)],
        [decided("qwen2", since=False)],
        [],
    ]
    assert decided("llama", since=False) is None
