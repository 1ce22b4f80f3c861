"""The ``--config`` and ``--identify`` options, and what a command does when the configuration cannot be used."""

import asyncio
import os
from pathlib import Path

import click

from gateway.configuration import Configuration, configure
from gateway.settings import SettingsError


def configured(path: Path | None, *, identify: bool = False) -> Configuration:
    """The configuration for a command; its problems go to stderr and the command ends with exit code 1.

    Args:
        identify: Ask AWS about every target, instead of nobody.
    """
    try:
        configuration = configure(path, os.environ)
        return asyncio.run(_asked(configuration)) if identify else configuration
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


async def _asked(configuration: Configuration) -> Configuration:
    from gateway.app import upstream  # noqa: PLC0415 - a command that asks nobody does without the server's imports
    from gateway.identification import identified  # noqa: PLC0415

    aws = upstream(configuration, os.environ)
    try:
        return await identified(configuration, aws.identities, everything=True)
    finally:
        await aws.aclose()


CONFIG_OPTION = click.option(
    "--config",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The configuration. [default: QUARRY_CONFIG, else quarry.yaml in this directory]",
)

IDENTIFY_OPTION = click.option(
    "--identify",
    is_flag=True,
    help="Ask AWS what every target is, within aws.identify.deadline_seconds, also where `family` is written; "
    "`explain` reads models' own chat templates from S3, too. "
    "[default: ask nobody; families that are not written are shown as open]",
)
