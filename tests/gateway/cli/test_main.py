"""The command line as a whole: what is listed, what is imported, which exit codes come out."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from gateway.cli import COMMANDS, main


def quarry(*arguments):
    return CliRunner().invoke(main, arguments, prog_name="quarry")


def test_help_lists_every_command_with_a_line():
    """A person sees what there is without knowing anything."""
    shown = quarry("--help").output

    assert all(f"  {name} " in shown for name in COMMANDS)
    assert "Exit codes: 0 done, 1 failed, 2 wrong use." in " ".join(shown.split())


@pytest.mark.parametrize("arguments", [("explain",), ("keys",), ("keys", "create")])
def test_every_help_teaches(arguments):
    """Each command's help says what it does, and each of its options what it means."""
    command: click.Command = main
    for name in arguments:
        command = command.get_command(click.Context(command), name)

    result = quarry(*arguments, "--help")

    assert result.exit_code == 0
    assert len(command.help.split()) > 20
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


def test_the_version_is_the_distributions():
    """``quarry --version`` says which one runs."""
    result = quarry("--version")

    assert result.exit_code == 0
    assert result.output.startswith("quarry 0.")


def test_a_slip_of_the_pen_is_wrong_use():
    """An unknown command exits with 2 and offers the nearest one."""
    result = quarry("kyes")

    assert result.exit_code == 2
    assert 'did you mean "keys"?' in result.output


def test_keys_and_help_do_not_import_the_server():
    """The server's libraries are not read for commands that do not serve."""
    script = """
import sys
from gateway.cli import main
for arguments in (["--help"], ["keys", "create", "--name", "x", "--json"]):
    main(arguments, standalone_mode=False)
print([name for name in ("litestar", "uvicorn", "aiobotocore", "botocore", "prometheus_client") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert result.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command():
    """``python -m gateway`` and ``quarry`` are the same."""
    result = subprocess.run([sys.executable, "-m", "gateway", "--version"], capture_output=True, text=True, check=True)

    assert result.stdout == quarry("--version").output
