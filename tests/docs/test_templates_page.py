"""What docs/templates.md shows is what happens: its files in an S3, its configuration over a sandbox, its commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.prompts import checkpoint
from gateway.sandbox.s3 import s3
from gateway.sandbox.serve import background
from gateway.sandbox.world import World
from gateway.settings import decode
from gateway.templating import processes, source, templates, worker
from gateway.templating.jobs import LEAST_OUTPUT_CHARACTERS, OUTPUT_PER_BYTE
from tests.docs.pages import Block, blocks, looks_like, names, run

PAGE = Path("docs/templates.md")
KEYS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
MEBIBYTE = 1_048_576


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the page's configuration, over a sandbox and an S3 that holds the page's files."""
    with background(World()) as bedrock, s3() as files:
        shown = {"http://127.0.0.1:9000": bedrock, "http://127.0.0.1:9001": files}
        (python,) = blocks(PAGE, "python")
        exec(compile(located(python.text, shown), str(PAGE), "exec"), {})
        place = tmp_path_factory.mktemp("page")
        (place / "quarry.yaml").write_text(located(blocks(PAGE, "yaml")[1].text, shown))
        yield place


def located(text: str, shown: dict[str, str]) -> str:
    for before, after in shown.items():
        text = text.replace(before, after)
    return text


@pytest.mark.parametrize("block", names(blocks(PAGE, "console")))
def test_commands_print_what_is_shown(block: Block, folder: Path) -> None:
    """Each prints the listing below it."""
    (command,) = re.findall(r"^\$ (.*)$", block.text, re.MULTILINE)

    printed = run(["bash", "-euc", command], folder, **KEYS)

    assert block.output is not None
    assert looks_like(block.output, printed), printed


def test_every_block_of_configuration_is_a_good_one() -> None:
    """What can be copied has no problem."""
    for block in blocks(PAGE, "yaml"):
        assert decode(block.text.encode(), {})[1] == []


def test_the_files_are_those_that_are_read() -> None:
    """Names and bounds as they are."""
    most = {**source.SMALL, checkpoint.TOKENIZER: source.MOST_TOKENIZER_BYTES}
    rows = re.findall(r"^\| `([a-z_.]+)` \| .* \| (\d+) MiB \|$", PAGE.read_text(), re.MULTILINE)

    assert {name: int(size) * MEBIBYTE for name, size in rows} == most


def test_the_bounds_are_those_that_are_kept() -> None:
    """Every figure of the page is the code's."""
    page = " ".join(PAGE.read_text().split())
    (cpu, cpu_more, memory, memory_more), (count, count_more, count_memory, count_memory_more) = (
        worker.BOUNDS["prompts"],
        worker.BOUNDS["tokens"],
    )

    for expected in (
        f"| {cpu:g} s, and {cpu_more * MEBIBYTE:g} s for each MiB of the request | {count:g} s, and {count_more * MEBIBYTE:g} s",
        f"| {memory // MEBIBYTE} MiB, and {memory_more} times the request | {count_memory // MEBIBYTE} MiB, and {count_memory_more} times",
        f"{LEAST_OUTPUT_CHARACTERS // 1024} Ki characters, and {OUTPUT_PER_BYTE} for each byte",
        f"| {processes.ANSWER_SECONDS:g} s, and {processes.SECONDS_PER_BYTE * MEBIBYTE:g} s for each MiB |",
        f"at most {processes.MOST_PROCESSES} processes",
        f"At most {processes.MOST_WAITING} requests wait, each for at most {processes.LONGEST_WAIT_SECONDS:g} seconds",
        f"within {templates.FIRST_SECONDS:g} seconds",
    ):
        assert expected in page
    assert templates.REFRESH_SECONDS == 600
