"""A configuration into all that the rooms are built from, with every room's problems in one list. Starts nothing.

Beside ``app.py`` the only reader of settings: it passes their parts to the rooms as plain values.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import yaml

from adapters import FAMILIES
from gateway.findings import Problem
from gateway.keys import store
from gateway.keys.model import Key
from gateway.registry import document
from gateway.registry.card import Subject, described
from gateway.registry.document import Findings
from gateway.registry.model import Snapshot
from gateway.settings import Settings, SettingsError, content, decode, effective, find, located, unenforced

__all__ = ["Configuration", "SettingsError", "check", "configure", "joined", "report"]


class Configuration(NamedTuple):
    """What a configuration says, checked as a whole.

    Attributes:
        name: Where it was read, for people: a path.
        warnings: What is read but not enforced yet, and what is probably not meant: a path and a sentence each.
        open: Families that are neither written nor found yet: where each belongs, and what to ask AWS. Not to be served
            while there is any; ``identification.identified`` asks.
        text: The file as it was read, so that a problem found later can say its line.
    """

    name: str
    settings: Settings
    snapshot: Snapshot
    keys: tuple[Key, ...]
    warnings: tuple[str, ...]
    open: Mapping[str, Subject] = MappingProxyType({})
    text: bytes = b""


def configure(path: Path | None, environ: Mapping[str, str]) -> Configuration:
    """Read and check a configuration; nothing is kept, so a reload is a second call.

    Args:
        path: The file; ``None``: ``QUARRY_CONFIG``, else ``quarry.yaml`` in the working directory.
        environ: Environment variables: overrides, and what ``${NAME}`` stands for.

    Raises:
        SettingsError: With every problem of the file, of its aliases and of its keys.
    """
    place = find(path, environ)
    text = content(place)
    settings, problems = decode(text, environ)
    return check(settings, name=str(place), problems=problems, text=text)


def check(
    settings: Settings,
    *,
    name: str,
    problems: list[Problem] | None = None,
    text: bytes = b"",
    findings: Findings | None = None,
) -> Configuration:
    """Check settings as a whole: aliases against each other and the families, keys against each other.

    Args:
        name: Where they come from, for people.
        problems: What is known to be wrong already.
        text: The file, if there is one.
        findings: What AWS said of targets; ``None``: nobody asked, and families that are not written stay open.

    Raises:
        SettingsError: With every problem.
    """
    registry = document.snapshot(
        settings.models, region=settings.aws.region, families=FAMILIES, created_at=int(time.time()), findings=findings
    )
    keys, key_problems = store.keys(settings.keys)
    found = joined(problems or [], [*registry.problems, *key_problems, *store.unsigned(keys, settings.server.sigv4_pepper)])
    if found:
        raise SettingsError(located(found, text) if text else found, name)
    warnings = (*unenforced(settings), *registry.warnings, *store.unmatched(keys, settings.models), *_empty(settings))
    return Configuration(name, settings, registry.snapshot, keys, warnings, registry.open, text)


def joined(written: list[Problem], meant: list[Problem]) -> list[Problem]:
    """Problems of form, then those of meaning that do not merely follow from one of form in the same place."""
    places = [problem.path for problem in written]
    if "" in places:  # the file could not be read at all
        return written
    return written + [problem for problem in meant if not any(_touches(problem.path, place) for place in places)]


def _touches(path: str, other: str) -> bool:
    shorter, longer = sorted((path, other), key=len)
    return longer == shorter or longer.startswith((f"{shorter}.", f"{shorter}["))


def _empty(settings: Settings) -> tuple[str, ...]:
    silent = {
        "models: no alias yet, so there is nothing to call.": settings.models,
        "keys: no key yet, so every request is refused; make one with `quarry keys create --name NAME`.": settings.keys,
    }
    return tuple(warning for warning, entries in silent.items() if not entries)


def report(configuration: Configuration) -> str:
    """For ``serve --check``: the settings in effect as YAML, secrets masked, and below them what needs a second look."""
    shown: str = yaml.safe_dump(effective(configuration.settings), sort_keys=False, allow_unicode=True, width=200)
    warnings = "".join(f"# warning: {warning}\n" for warning in configuration.warnings)
    heading = f"# {configuration.name}: no problems, {_counted(len(configuration.warnings), 'warning')}\n"
    return "".join([heading, shown, warnings, *_identities(configuration)])


def _identities(configuration: Configuration) -> Iterator[str]:
    for place in configuration.open:
        yield f"# {place}: not written; asked of AWS when the gateway starts, or now with --identify\n"
    for target in configuration.snapshot.targets():
        if target.card is not None:
            yield f"# {target.name}: family {target.family}, {described(target.card)}\n"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
