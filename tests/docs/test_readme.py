"""README.md is run: its commands in a folder with its configuration, its gateway, its targets of make."""

import re
import shlex
from pathlib import Path

import httpx
import pytest

from gateway.configuration import check
from gateway.settings import decode
from tests.docs.pages import ROOT, blocks, commands, listening, run

PAGE = Path("README.md")
PRINTED = {
    "quarry keys create": r'Secret, .*\bqk_\w+.*- name: "search-backend"\n.*hash: "sha256:[0-9a-f]{64}"',
    "quarry serve": r"# quarry\.yaml: no problems, 0 warnings\n.*\nmodels:\n  support-summarizer:",
    "quarry explain": r'support-llama\n.*family  llama3\n.*"prompt": "<\|begin_of_text\|>.*"max_gen_len": 1024',
}
"""What a command of the page prints, by how it begins."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the page's configuration."""
    (block,) = blocks(PAGE, "yaml")
    (tmp_path / "quarry.yaml").write_text(block.text)
    return tmp_path


def quarry_commands() -> list[str]:
    return [command for command in commands(PAGE) if command.startswith("quarry ")]


def is_lasting(command: str) -> bool:
    """Whether it runs until it is stopped."""
    return command.startswith("quarry serve") and "--check" not in command


def test_the_configuration_has_no_problem() -> None:
    """No problem, and no warning either."""
    (block,) = blocks(PAGE, "yaml")
    settings, problems = decode(block.text.encode(), {})

    assert check(settings, name="page", problems=problems).warnings == ()


@pytest.mark.parametrize("command", [command for command in quarry_commands() if not is_lasting(command)])
def test_commands_do_what_they_say(command: str, folder: Path) -> None:
    """Each ends well beside the page's quarry.yaml, and prints what its remark promises."""
    printed = run(["bash", "-euc", command], folder)

    (pattern,) = [pattern for begins, pattern in PRINTED.items() if command.startswith(begins)]
    assert re.search(pattern, printed, re.DOTALL), printed


@pytest.mark.parametrize("command", [command for command in quarry_commands() if is_lasting(command)])
def test_the_gateway_starts_on_the_configuration(command: str, folder: Path) -> None:
    """It listens, is ready, and lets in nobody without a key."""
    with listening(*shlex.split(command)[2:], folder=folder) as event:
        port = httpx.URL(event["url"]).port

        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json() == {"status": "ready"}
        assert httpx.get(f"http://127.0.0.1:{port}/v1/models").status_code == 401


def test_make_help_lists_the_targets_of_the_page() -> None:
    """Whatever ``make …`` the page speaks of is there."""
    printed = run(["make", "help"], ROOT)
    spoken_of = {
        *re.findall(r"`make (\w+)`", PAGE.read_text()),
        *re.findall(r"^make (\w+)", "\n".join(commands(PAGE)), re.MULTILINE),
    }

    assert spoken_of >= {"demo", "test", "serve"}
    assert spoken_of <= set(re.findall(r"make (\w+)", printed))
