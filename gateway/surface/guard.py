"""Who is asking: the bearer secret of a request into its ``Key``. The secret is hashed at once and kept nowhere."""

import hmac
from collections.abc import Iterable

from gateway.errors import ModelNotAllowed, NotAuthenticated
from gateway.keys.model import Key, Scope
from gateway.keys.secrets import digest

BEARER = b"bearer"
BARE = (b"x-api-key", b"api-key")  # the Anthropic and the Azure clients' headers
HOW = "send your gateway key as: Authorization: Bearer <key>"


class Guard:
    """Looks keys up in memory. Deny by default: a route asks it, or is one of the two public ones."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys: dict[str, Key] = {}
        self.replace(keys)

    def replace(self, keys: Iterable[Key]) -> None:
        """Take these keys from now on, all at once."""
        self._keys = {key.hash.lower(): key for key in keys}

    def key(self, headers: Iterable[tuple[bytes, bytes]]) -> Key:
        """Find the key that a request carries.

        Args:
            headers: As ASGI gives them, names in lower case.

        Raises:
            NotAuthenticated: No key, an unknown one, or two that differ. The message never repeats what was sent.
        """
        # Only the digest meets the table: neither how long a look-up takes nor what it touches depends on the secret's text.
        digits = digest(secret_of(headers))
        key = self._keys.get(digits)
        if key is None or not hmac.compare_digest(key.hash.lower(), digits):
            raise NotAuthenticated(f"This key is not known here: check it, or ask the gateway's operators for one; {HOW}")
        return key


def require(key: Key, scope: Scope) -> None:
    """Refuse a key that lacks the scope.

    Raises:
        ModelNotAllowed: It may not do this.
    """
    if not key.has_scope(scope):
        raise ModelNotAllowed(f'This key may not do this: it needs the scope "{scope}"')


def secret_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The one secret among the headers; sent in several of them, it must be the same.

    Raises:
        NotAuthenticated: There is none, it is not a bearer's, or there are two.
    """
    secret = b""
    for name, value in headers:
        if name == b"authorization":
            found = _bearer(value)
        elif name in BARE:
            found = value.strip()
        else:
            continue
        if secret and found and found != secret:
            raise NotAuthenticated("The request carries two different keys: send one")
        secret = secret or found
    if not secret:
        raise NotAuthenticated(f"The request carries no key: {HOW}")
    return secret


def _bearer(value: bytes) -> bytes:
    scheme, _, secret = value.strip().partition(b" ")
    if scheme.lower() != BEARER:
        raise NotAuthenticated(f"The Authorization header is not a bearer's: {HOW}")
    return secret.strip()
