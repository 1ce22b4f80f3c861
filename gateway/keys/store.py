"""Keys as the configuration describes them, checked against each other. Knows no secret, no HTTP and no settings file."""

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from gateway.findings import Problem, quoted, step
from gateway.keys.model import Key, Scope
from gateway.keys.secrets import ALGORITHM

_ID_DIGITS = 12


class KeyEntry(Protocol):
    """One entry of ``keys``, as far as a key needs it; the settings' own Struct is one."""

    @property
    def name(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def id(self) -> str | None: ...
    @property
    def owner(self) -> str: ...
    @property
    def models(self) -> Sequence[str]: ...
    @property
    def scopes(self) -> Sequence[Scope]: ...
    @property
    def sigv4(self) -> bool: ...


def keys(entries: Sequence[KeyEntry]) -> tuple[tuple[Key, ...], list[Problem]]:
    """The keys of a configuration, and what is wrong with them.

    Args:
        entries: With ``hash`` as ``sha256:`` and 64 hex digits; how it is written has been checked before.

    Returns:
        Every key, and a problem for each name, id or hash that two of them share.
    """
    made = tuple(_key(entry) for entry in entries)
    problems = [*_repeated("name", made, entries), *_repeated("hash", made, entries), *_repeated("id", made, entries)]
    return made, problems


def _key(entry: KeyEntry) -> Key:
    digits = entry.hash.removeprefix(ALGORITHM).lower()
    return Key(
        id=entry.id or digits[:_ID_DIGITS],
        name=entry.name,
        owner=entry.owner,
        hash=digits,
        models=tuple(entry.models),
        scopes=frozenset(entry.scopes),
        sigv4=entry.sigv4,
    )


def _repeated(field: str, made: Iterable[Key], entries: Sequence[KeyEntry]) -> Iterable[Problem]:
    """A problem at the later of two keys; hashes are not shown, and ids follow from equal hashes."""
    first: dict[str, int] = {}
    for index, key in enumerate(made):
        value: str = getattr(key, field)
        if not value or (field == "id" and entries[index].id is None):
            continue
        earlier = first.setdefault(value, index)
        if earlier != index:
            shown = "the same hash" if field == "hash" else f"the {field} {quoted(value)}"
            yield Problem(step(step("keys", index), field), f"keys[{earlier}] has {shown} already; each key needs its own")


def unsigned(made: Iterable[Key], pepper: str | None) -> list[Problem]:
    """A problem for each key that may sign where nothing can be derived to check it with."""
    if pepper is not None:
        return []
    return [
        Problem(step(step("keys", index), "sigv4"), "needs server.sigv4_pepper, from which the secret is derived; set it there")
        for index, key in enumerate(made)
        if key.sigv4
    ]


def unmatched(made: Iterable[Key], aliases: Collection[str]) -> list[str]:
    """Globs that cover no alias, probably a slip of the pen: a path and a sentence each."""
    return [
        f"{step(step(step('keys', index), 'models'), place)}: {quoted(glob)} covers no alias."
        for index, key in enumerate(made)
        for place, glob in enumerate(key.models)
        if glob != "*" and not any(fnmatchcase(alias, glob) for alias in aliases)
    ]
