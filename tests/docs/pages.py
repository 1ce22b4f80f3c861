"""Reads the pages and runs what they show: blocks of code, what they print, tables made from the code. Tests no page."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SHOWN_URL = "http://127.0.0.1:8080"  # what pages say; a test's gateway is elsewhere
LONGEST_SECONDS = 30  # a bound on a hang, not a promise
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANYTHING = re.escape("…")


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        output: The ``text`` block right below it, which shows what it prints; ``None`` when nothing is shown.
    """

    language: str
    text: str
    output: str | None = None


def blocks(page: Path, *languages: str) -> list[Block]:
    """The page's blocks of these languages, in order, each with the output shown for it."""
    text = page.read_text()
    found = list(_BLOCK.finditer(text))
    made = []
    for place, match in enumerate(found):
        below = found[place + 1] if place + 1 < len(found) else None
        shown = below is not None and below[1] == "text" and not text[match.end() : below.start()].strip()
        if match[1] in languages:
            made.append(Block(match[1], match[2], below[2] if below and shown else None))
    return made


def commands(page: Path) -> list[str]:
    """What stands behind a ``$`` in the console blocks, remarks cut off."""
    return [
        re.sub(r"\s+#.*", "", line)
        for block in blocks(page, "console")
        for line in re.findall(r"^\$ (.*)$", block.text, re.MULTILINE)
    ]


def looks_like(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed; ``…`` on the page stands for anything but a line's end."""
    return re.fullmatch(re.escape(shown.strip()).replace(_ANYTHING, ".*?"), printed.strip()) is not None


def run(command: list[str], folder: Path, **variables: str) -> str:
    """What a command prints, given the virtual environment's programs and nothing of ours; it must succeed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "QUARRY_"))}
    environ |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | variables
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)

    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def listening(*arguments: str, folder: Path = ROOT) -> Iterator[dict[str, Any]]:
    """A ``quarry serve`` of its own on a free port; what it says when it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", *arguments],
        cwd=folder,
        env={**os.environ, "QUARRY_PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield next(event for event in map(json.loads, process.stdout or ()) if event["event"] == "listening")
    finally:
        process.send_signal(signal.SIGINT)  # SIGTERM would let load balancers notice first
        process.communicate(timeout=LONGEST_SECONDS)


def check_table(page: Path, name: str, current: str) -> None:
    """The part of the page between the markers is ``current``; with QUARRY_REWRITE=1 it is written anew."""
    before, rest = page.read_text().split(f"<!-- begin: {name} -->\n")
    written, after = rest.split("<!-- end -->\n", 1)
    if os.environ.get("QUARRY_REWRITE"):
        page.write_text(f"{before}<!-- begin: {name} -->\n{current}<!-- end -->\n{after}")

    assert written == current


def names(found: list[Block]) -> list[Any]:
    """Parameters for a test of each block, called by its first line."""
    return [pytest.param(block, id=block.text.partition("\n")[0]) for block in found]
