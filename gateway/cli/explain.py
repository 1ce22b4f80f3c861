"""``quarry explain``: a dry run, printed. Sends no request anywhere."""

import asyncio
import os
import textwrap
from pathlib import Path
from typing import BinaryIO, NoReturn

import click
import msgspec

from gateway.cli.configuration import CONFIG_OPTION, IDENTIFY_OPTION, configured
from gateway.cli.dry_run import Explanation, Step, caller, example
from gateway.cli.dry_run import explain as dry_run
from gateway.configuration import Configuration
from gateway.errors import GatewayError, ModelNotFound
from gateway.findings import suggestion
from gateway.keys.model import Key
from gateway.registry.spaces import embeds

LARGEST_BODY = 64 * 1024 * 1024


@click.command()
@click.argument("alias")
@click.option(
    "--body",
    "source",
    type=click.File("rb"),
    metavar="FILE",
    help="A Chat Completions request (of an alias that embeds: an Embeddings one) in JSON, - for standard input; `model` may be left out. [default: a small example]",
)
@CONFIG_OPTION
@click.option(
    "--key", "key_name", metavar="NAME", help="Ask as this key, by name or id. [default: a key that may use all aliases]"
)
@IDENTIFY_OPTION
@click.option("--stream", is_flag=True, help="Show the body of a streamed request. [default: as the request says]")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the same for a program; the bodies stand in it as they would be sent."
)
def explain(  # noqa: PLR0917 - click passes every option by name
    alias: str, source: BinaryIO | None, path: Path | None, key_name: str | None, identify: bool, stream: bool, as_json: bool
) -> None:
    """Show what a request to ALIAS would do, and send nothing. AWS is asked only with --identify.

    Prints, in the order in which they would be asked: the targets and why, the family, whose chat template writes the
    prompt, the exact native body, what would
    be dropped from the request; then the timeouts in seconds, the limits that apply, and the price.

    Exit code 1 when the first target would refuse the request: the message is the one that the caller would read.
    """
    configuration = configured(path, identify=identify)
    body = _example(configuration, alias) if source is None else source.read(LARGEST_BODY)
    key = _key(configuration, key_name)
    try:
        explanation = asyncio.run(_explained(configuration, alias, body, key=key, stream=stream, reads=identify))
    except ModelNotFound as error:
        raise click.BadParameter(
            f'there is no alias "{alias}"; {suggestion(alias, configuration.snapshot.routes)}', param_hint="ALIAS"
        ) from error
    except GatewayError as error:
        _fail(error)
    click.echo(msgspec.json.format(msgspec.json.encode(explanation), indent=2) if as_json else _page(explanation))
    if explanation.steps[0].refused is not None:
        raise click.exceptions.Exit(1)


async def _explained(
    configuration: Configuration, alias: str, body: bytes, *, key: Key, stream: bool, reads: bool
) -> Explanation:
    """The dry run; with ``reads`` by the templates that the models brought with them."""
    if not reads:
        return await dry_run(configuration, alias, body, key=key, stream=stream)
    from gateway.app import templates_of, upstream  # noqa: PLC0415 - a command that asks nobody does without the server's imports

    aws = upstream(configuration, os.environ)
    templates = templates_of(configuration, aws, warn=lambda _: None)
    try:
        await templates.prepare(configuration.snapshot.targets())
        return await dry_run(configuration, alias, body, key=key, stream=stream, templates=templates)
    finally:
        await templates.aclose()
        await aws.aclose()


def _example(configuration: Configuration, alias: str) -> bytes:
    route = configuration.snapshot.routes.get(alias)
    if route is None:
        return example(alias)
    return example(alias, vectors=embeds(route), prompt=route.prompt)


def _key(configuration: Configuration, name: str | None) -> Key:
    try:
        return caller(configuration, name)
    except KeyError:
        known = [key.name for key in configuration.keys]
        raise click.BadParameter(f'there is no key "{name}"; {suggestion(name or "", known)}', param_hint="--key") from None


def _fail(error: GatewayError) -> NoReturn:
    place = f" (param: {error.parameter})" if error.parameter else ""
    raise click.ClickException(f"this request is refused with status {error.status}: {error}{place}")


def _page(explanation: Explanation) -> str:
    heading = f"{explanation.alias}: {explanation.description}" if explanation.description else explanation.alias
    calls = [f"n is {explanation.choices}: so many calls side by side, each with the same body", ""]
    steps = [_step(number, step) for number, step in enumerate(explanation.steps, 1)]
    limits = [
        f"  {limit.resource} {_number(limit.amount)} for {limit.scope}{'' if limit.enforced else ' (not enforced in this version)'}"
        for limit in explanation.limits
    ]
    timeouts = [f"  {name} {_number(value)}" for name, value in explanation.timeouts.items()]
    return "\n".join(
        [
            heading,
            "",
            *(calls if explanation.choices > 1 else ()),
            *steps,
            "timeouts",
            *timeouts,
            "limits",
            *(limits or ["  none"]),
            f"price {explanation.price}",
        ]
    )


def _step(number: int, step: Step) -> str:
    rows = {
        "why": step.why,
        "arn": step.arn,
        "region": step.region,
        "kind": step.kind,
        "family": step.family or "not known",
        "because": step.family_why,
        "card": step.card,
        "prompt": step.template,
        "role": step.role_arn,
        "guard": step.guardrail,
        "ignored": ", ".join(step.ignored),
        "calls": f"{step.calls}, some texts each; the first one's body is below" if step.calls > 1 else "",
        "refused": step.refused,
    }
    lines = [f"{number}. {step.target}", *(f"   {name:8}{value}" for name, value in rows.items() if value)]
    if step.body is not None:
        lines += ["   body", textwrap.indent(msgspec.json.format(bytes(step.body), indent=2).decode(), "     ")]
    return "\n".join([*lines, ""])


def _number(amount: float) -> str:
    return str(int(amount)) if amount == int(amount) else str(amount)
