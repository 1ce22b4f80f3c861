"""The examples that talk to `make serve`, on whichever page: each is run, and prints what is shown below it."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import SHOWN_URL, Block, blocks, listening, looks_like, names, run
from tests.referees.bedrock.calls import collect_sockets

PAGES = tuple(
    Path("docs") / page
    for page in (
        "../README.md",
        "chat.md",
        "completions.md",
        "responses.md",
        "embeddings.md",
        "converse.md",
        "families.md",
        "messages.md",
        "guardrails.md",
    )
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A `quarry serve --sandbox` for all of them: no example may lean on another."""
    with listening("--sandbox") as event:
        yield event["url"]


@pytest.mark.parametrize("block", [block for page in PAGES for block in names(blocks(page, "python"))])
def test_python_examples_print_what_is_shown(block: Block, url: str) -> None:
    """Each runs by itself, as it stands but for the port."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text.replace(SHOWN_URL, url), "page", "exec"), {"__name__": "page"})
    collect_sockets()  # an example closes nothing: its process would end here

    assert block.output is not None
    assert looks_like(block.output, printed.getvalue()), printed.getvalue()


@pytest.mark.parametrize("block", [block for page in PAGES for block in names(blocks(page, "bash"))])
def test_shell_examples_print_what_is_shown(block: Block, url: str, tmp_path: Path) -> None:
    """The bytes on the wire are the page's."""
    printed = run(["bash", "-euc", block.text.replace(SHOWN_URL, url)], tmp_path)

    assert block.output is not None
    assert looks_like(block.output, printed), printed
