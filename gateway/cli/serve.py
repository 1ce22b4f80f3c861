"""``quarry serve``: the gateway, over AWS or over the embedded sandbox."""

import contextlib
import errno
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click
import uvloop

from adapters import EMBEDDERS, FAMILIES
from gateway.certificate import tls_problems
from gateway.cli.configuration import CONFIG_OPTION, IDENTIFY_OPTION, configured
from gateway.configuration import Configuration, check, configure, report
from gateway.findings import quoted
from gateway.keys.secrets import ALGORITHM, digest
from gateway.server import serve as serve_until_stopped
from gateway.settings import Aws, ColdStart, Guardrail, Key, Route, Server, Settings, SettingsError, Target

SANDBOX_KEY = "sandbox"  # no secret: it opens a gateway that reaches no AWS account, on this machine alone
# One that takes a guardrail inside the call, and one that does not.
GUARDED = {"titan-guarded": "titan-support", "gpt-oss-guarded": "gpt-oss-import"}
SANDBOX_WARM_UP_SECONDS = 2.5  # real ones take a minute or two


@click.command(name="serve")
@CONFIG_OPTION
@click.option("--sandbox", is_flag=True, help="Bring a Bedrock along: no AWS account, one alias per family, the key is sandbox.")
@click.option(
    "--check", "only_check", is_flag=True, help="Print the settings in effect, secrets masked, with warnings, and exit."
)
@IDENTIFY_OPTION
def serve(path: Path | None, sandbox: bool, only_check: bool, identify: bool) -> None:
    """Run the gateway until Ctrl-C or SIGTERM.

    Where a target's `family` is not written, AWS is asked for it before the gateway listens, within
    aws.identify.deadline_seconds; --check asks nobody, unless --identify goes with it.

    SIGHUP, and any change of the file, read aliases and keys again without a restart. QUARRY_PORT overrides server.port
    (0 takes a free one); the first line on standard output says where it listens.
    """
    if sandbox:
        if path is not None:
            raise click.UsageError("--sandbox brings its own configuration: leave --config out")
        if only_check:
            raise click.UsageError("--sandbox has nothing to check: leave --check out")
        if identify:
            raise click.UsageError("--sandbox is identified anyway: leave --identify out")
        _run(_over_sandbox())
        return
    if identify and not only_check:
        raise click.UsageError("--identify goes with --check: the gateway asks for what is not written anyway")
    configuration = configured(path, identify=identify)
    if problems := tls_problems(configuration):
        raise click.ClickException(str(SettingsError(problems, configuration.name)))
    if only_check:
        click.echo(report(configuration), nl=False)
        return
    _run(serve_until_stopped(configuration, reread=lambda: configure(Path(configuration.name), os.environ)))


def _run(serving: Coroutine[Any, Any, None]) -> None:
    try:
        with contextlib.suppress(KeyboardInterrupt):
            uvloop.run(serving)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    except OSError as problem:
        way_out = "; QUARRY_PORT names another port" if problem.errno == errno.EADDRINUSE else ""
        raise click.ClickException(f"cannot serve: {problem.strerror or problem}{way_out}") from problem
    except SystemExit as stop:  # uvicorn's way to say that it could not listen; it has logged why
        sys.exit(1 if stop.code else 0)


async def _over_sandbox() -> None:
    """Both in one process and one event loop: the gateway speaks to the sandbox over a real socket all the same."""
    from gateway.sandbox.serve import running  # noqa: PLC0415 - a gateway over AWS does without the sandbox's memory
    from gateway.sandbox.world import World  # noqa: PLC0415

    world = World(warm_after_seconds=SANDBOX_WARM_UP_SECONDS)
    async with running(world) as url:
        credentials = world.credentials
        await serve_until_stopped(
            _sandbox_configuration(world, url),
            environ={
                "AWS_ACCESS_KEY_ID": credentials.access_key_id,
                "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            },
            announcement={"key": SANDBOX_KEY, "sandbox": url},
        )


def _sandbox_configuration(world: Any, url: str) -> Configuration:
    """One alias for every model of the sandbox that a family here speaks to.

    Families are left to be identified, as an account's would be, where that finds what is to be shown: see ``_pinned``.
    """
    settings = Settings(
        server=Server(host="127.0.0.1", port=_port(os.environ.get("QUARRY_PORT"))),
        aws=Aws(region=world.region, endpoint_urls={"bedrock-runtime": url, "bedrock": url}),
        models={
            model.name: Route(
                targets=(
                    Target(arn=model.arn, family=_pinned(model), region=world.region, cold_start=ColdStart(patience_seconds=60)),
                )
            )
            for model in world.shelf.entries
            if model.asked_as in FAMILIES or model.asked_as in EMBEDDERS
        }
        | {
            alias: Route(
                targets=(Target(arn=world.shelf.find(name).arn, region=world.region),),
                guardrail=Guardrail(id=world.rails.entries[0].id, version=1),
            )
            for alias, name in GUARDED.items()
        },
        keys=(
            Key(
                name="sandbox",
                hash=ALGORITHM + digest(SANDBOX_KEY),
                scopes=("invoke", "metrics"),
            ),
        ),
    )
    return check(settings, name="the sandbox's configuration")


def _pinned(model: Any) -> str | None:
    """The family to write: of a model that is to be asked otherwise than its facts say, so that every way has an alias."""
    return model.asked_as if model.converses or model.family == "openai_completion" else None


def _port(text: str | None) -> int:
    if not text:
        return Server().port
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise click.ClickException(f"QUARRY_PORT must be a whole number from 0 to 65535, not {quoted(text)}")
    return int(text)
