"""The command line: which command lives where. Knows the names and one line of each; a command's file is read when it runs.

``quarry keys create`` must not pay for the server's imports, nor fail for them.
"""

from importlib import import_module, metadata
from typing import NamedTuple

import click

DISTRIBUTION = "quarry-gateway"


class Place(NamedTuple):
    """Where a command is, and what ``quarry --help`` says of it."""

    module: str
    attribute: str
    summary: str


COMMANDS = {
    "serve": Place("gateway.cli.serve", "serve", "Run the gateway (--sandbox: without an AWS account; --check: only check)."),
    "sandbox": Place("gateway.cli.sandbox", "sandbox", "Run a Bedrock to develop against, for boto3, CI and other teams."),
    "explain": Place("gateway.cli.explain", "explain", "Dry run: show what a request to an alias would send, and where."),
    "keys": Place("gateway.cli.keys", "keys", "Make gateway keys."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported one by one, and listed without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        command = getattr(import_module(place.module), place.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{place.module}.{place.attribute} is no click command")
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            from gateway.findings import suggestion  # noqa: PLC0415 - only for a slip of the pen

            ctx.fail(f'There is no command "{name}"; {suggestion(name, COMMANDS)}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in COMMANDS.items()])


def _show_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"quarry {metadata.version(DISTRIBUTION)}")
        context.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong use. Begin without an AWS account: quarry serve --sandbox",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version and exit."
)
def main() -> None:
    """One OpenAI-like endpoint to the custom models that a team runs on Amazon Bedrock."""
