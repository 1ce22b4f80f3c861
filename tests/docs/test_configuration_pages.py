"""What docs/configuration.md and docs/keys.md show works as it is shown."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.configuration import check, configure
from gateway.keys.secrets import digest
from gateway.settings import SettingsError, decode

CONFIGURATION, KEYS = Path("docs/configuration.md"), Path("docs/keys.md")
ENVIRON = {"REDIS_PASSWORD": "p", "PORT": "8081"}


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", blocks(CONFIGURATION, "yaml") + blocks(KEYS, "yaml"))
def test_every_yaml_block_is_a_good_configuration(text):
    """What can be copied from the pages has no problem."""
    settings, problems = decode(text.encode(), ENVIRON)

    check(settings, name="page", problems=problems)


def test_the_commands_work_on_the_smallest_file(tmp_path):
    """The first console block, run on the first YAML block."""
    (tmp_path / "quarry.yaml").write_text(blocks(CONFIGURATION, "yaml")[0])
    commands = re.findall(r"^\$ quarry (.*)$", blocks(CONFIGURATION, "console")[0], re.MULTILINE)

    assert len(commands) == 2
    for command in commands:
        arguments = shlex.split(command.replace("quarry.yaml", str(tmp_path / "quarry.yaml")))
        assert CliRunner().invoke(main, arguments).exit_code == 0


def test_the_problems_shown_are_the_ones_that_come(tmp_path):
    """The listing of problems is what a file with these four mistakes is told."""
    text = """\
server: {prot: 8080}
models:
  support:
    targets:
      - family: cluade
        weight: -1
        arn: arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1b2c3d4e5f6
keys:
  - name: backend
    hash: ${BACKEND_HASH}
"""
    path = tmp_path / "quarry.yaml"
    path.write_text(text)

    with pytest.raises(SettingsError) as caught:
        configure(path, {})

    assert blocks(CONFIGURATION, "text") == [str(caught.value).replace(str(path), "quarry.yaml") + "\n"]


def test_the_key_command_prints_what_the_page_shows():
    """Only id, hash and secret differ from the page's entry."""
    (command,) = re.findall(r"^\$ quarry (.*)$", blocks(KEYS, "console")[0], re.MULTILINE)
    output = CliRunner().invoke(main, shlex.split(command)).output
    entry = output[output.index("  - name") :].rstrip()

    def without_chance(text):
        return re.sub(r'(id: "|sha256:)[0-9a-z]+', r"\1", text)

    assert without_chance(blocks(KEYS, "yaml")[0].removeprefix("keys:\n").rstrip()) == without_chance(entry)


def test_the_hash_of_a_key_made_elsewhere():
    """The page's shell line gives the digest that the gateway looks for."""
    (command,) = re.findall(r"^\$ (.*)$", blocks(KEYS, "console")[1], re.MULTILINE)

    made = subprocess.run(
        ["bash", "-c", command], env={"KEY": "any key", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )

    assert made.stdout.split()[0] == digest("any key")
