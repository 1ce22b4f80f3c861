"""``quarry keys``: makes keys for the configuration. Writes no file, and shows a secret once."""

import json
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click

from gateway.cli.configuration import CONFIG_OPTION, configured
from gateway.keys.model import Scope
from gateway.keys.secrets import Minted, mint
from gateway.keys.sigv4 import access_key_id, secret_access_key

SCOPES: tuple[Scope, ...] = get_args(Scope)


@click.group()
def keys() -> None:
    """Gateway keys: what callers send as `Authorization: Bearer qk_…`.

    The configuration holds only their hashes, so a lost secret cannot be found again: make a new key, add it, move the
    callers over, then remove the old one.
    """


@keys.command(short_help="Make a key: print its secret, once, and its hash.")
@click.option("--name", required=True, metavar="NAME", help="What the key is for, unique in the configuration: search-backend.")
@click.option("--owner", default="", metavar="OWNER", help="Who answers, and pays, for it: team-search. [default: nobody]")
@click.option(
    "--models",
    multiple=True,
    metavar="GLOB",
    help='Aliases it may use, as a glob; may be given several times. Quote it: --models "support-*". [default: *, all of them]',
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do; may be given several times. invoke: call models; metrics: read /metrics; admin:read and admin: the "
    "operator's routes. [default: invoke]",
)
@click.option(
    "--sigv4",
    is_flag=True,
    help="Make a pair for AWS SDKs to sign with, too; its secret is derived from server.sigv4_pepper of the configuration.",
)
@CONFIG_OPTION
@click.option(
    "--json", "as_json", is_flag=True, help="Print {id, name, secret, hash} for a program, and the pair if there is one."
)
def create(
    *, name: str, owner: str, models: tuple[str, ...], scopes: tuple[str, ...], sigv4: bool, path: Path | None, as_json: bool
) -> None:
    """Make a key: print its secret, once, and the entry to add to the configuration.

    256 random bits; nothing is stored and no gateway is asked. The key works as soon as a gateway has read a
    configuration with its hash. The configuration is read for --sigv4 alone.
    """
    if not name.strip():
        raise click.BadParameter("write what the key is for, such as search-backend", param_hint="--name")
    pepper = _pepper(path) if sigv4 else None
    minted = mint()
    pair = _pair(pepper, minted) if pepper is not None else None
    if as_json:
        shown = {"id": minted.id, "name": name, "secret": minted.secret, "hash": minted.hash}
        click.echo(json.dumps(shown | (pair._asdict() if pair is not None else {}), ensure_ascii=False))
        return
    click.echo("Secret, shown this once; give it to the caller:\n")
    click.echo(f"  {minted.secret}\n")
    if pair is not None:
        click.echo("Pair to sign with, for the same caller; the gateway derives its secret anew for every request:\n")
        click.echo("".join(f"  {name.upper()}={value}\n" for name, value in pair._asdict().items()))
    click.echo("Hash; add this below `keys:` in quarry.yaml:\n")
    click.echo(_entry(minted, name=name, owner=owner, models=models, scopes=scopes, sigv4=sigv4))


class _Pair(NamedTuple):
    """What an AWS SDK signs with, by the names that it reads from the environment."""

    aws_access_key_id: str
    aws_secret_access_key: str


def _pair(pepper: str, minted: Minted) -> _Pair:
    return _Pair(access_key_id(minted.id), secret_access_key(pepper, minted.id))


def _pepper(path: Path | None) -> str:
    configuration = configured(path)
    pepper = configuration.settings.server.sigv4_pepper
    if pepper is None:
        raise click.ClickException(
            f"{configuration.name} has no server.sigv4_pepper, which the secret is derived from; "
            "make one with `openssl rand -hex 32` and set it there as ${QUARRY_SIGV4_PEPPER}"
        )
    return pepper


def _entry(minted: Minted, *, name: str, owner: str, models: tuple[str, ...], scopes: tuple[str, ...], sigv4: bool) -> str:
    """The key as a list entry in YAML, indented to stand below ``keys:``; what equals the default is left out.

    A JSON value is a YAML value too, and says of each text that it is one.
    """
    entry: dict[str, Any] = {
        "name": name,
        "owner": owner,
        "id": minted.id,
        "hash": minted.hash,
        "models": list(models),
        "scopes": [] if set(scopes) == {"invoke"} else list(dict.fromkeys(scopes)),
        "sigv4": sigv4,
    }
    lines = [f"{field}: {json.dumps(value, ensure_ascii=False)}".replace("${", "$${") for field, value in entry.items() if value]
    return "  - " + "\n    ".join(lines)
