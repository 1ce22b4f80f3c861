"""Who is asking: a key, its owner, and what it may do."""

from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

Scope = Literal["invoke", "metrics", "admin:read", "admin"]


class Key(Struct, frozen=True):
    """A gateway key as the configuration describes it; the secret itself is nowhere.

    Attributes:
        id: Shown in logs and listings. The middle of a key that we minted, else the first 12 digits of its hash.
        hash: SHA-256 of the whole key string, 64 hex digits.
        models: Globs over aliases.
        sigv4: Whether a request may be signed with the pair that is derived from its id.
    """

    id: str
    name: str
    owner: str
    hash: str
    models: tuple[str, ...] = ("*",)
    scopes: frozenset[Scope] = frozenset({"invoke"})
    sigv4: bool = False

    def may_use(self, alias: str) -> bool:
        """Whether one of its globs covers the alias."""
        for glob in self.models:  # noqa: SIM110 - every request comes by, and any() would double what it costs
            if glob == "*" or fnmatchcase(alias, glob):
                return True
        return False

    def has_scope(self, scope: Scope) -> bool:
        """Whether it may do this; ``admin`` may do everything, ``admin:read`` may also read metrics."""
        return scope in self.scopes or "admin" in self.scopes or (scope == "metrics" and "admin:read" in self.scopes)
