"""``quarry keys``: makes keys for the configuration. Writes no file, and shows a secret once."""

import json
from typing import get_args

import click

from gateway.keys.model import Scope
from gateway.keys.secrets import Minted, mint

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
@click.option("--json", "as_json", is_flag=True, help="Print {id, name, secret, hash} for a program.")
def create(name: str, owner: str, models: tuple[str, ...], scopes: tuple[str, ...], as_json: bool) -> None:
    """Make a key: print its secret, once, and the entry to add to the configuration.

    256 random bits; nothing is stored and no gateway is asked. The key works as soon as a gateway has read a
    configuration with its hash.
    """
    if not name.strip():
        raise click.BadParameter("write what the key is for, such as search-backend", param_hint="--name")
    minted = mint()
    if as_json:
        click.echo(json.dumps({"id": minted.id, "name": name, "secret": minted.secret, "hash": minted.hash}, ensure_ascii=False))
        return
    click.echo("Secret, shown this once; give it to the caller:\n")
    click.echo(f"  {minted.secret}\n")
    click.echo("Hash; add this below `keys:` in quarry.yaml:\n")
    click.echo(_entry(minted, name, owner, models, scopes))


def _entry(minted: Minted, name: str, owner: str, models: tuple[str, ...], scopes: tuple[str, ...]) -> str:
    """The key as a list entry in YAML, indented to stand below ``keys:``; what equals the default is left out.

    A JSON value is a YAML value too, and says of each text that it is one.
    """
    entry = {
        "name": name,
        "owner": owner,
        "id": minted.id,
        "hash": minted.hash,
        "models": list(models),
        "scopes": [] if set(scopes) == {"invoke"} else list(dict.fromkeys(scopes)),
    }
    lines = [f"{field}: {json.dumps(value, ensure_ascii=False)}".replace("${", "$${") for field, value in entry.items() if value]
    return "  - " + "\n    ".join(lines)
