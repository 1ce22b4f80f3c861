"""The ``--config`` option, and what a command does when the configuration cannot be used."""

import os
from pathlib import Path

import click

from gateway.configuration import Configuration, configure
from gateway.settings import SettingsError


def configured(path: Path | None) -> Configuration:
    """The configuration for a command; its problems go to stderr and the command ends with exit code 1."""
    try:
        return configure(path, os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


CONFIG_OPTION = click.option(
    "--config",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The configuration. [default: QUARRY_CONFIG, else quarry.yaml in this directory]",
)
