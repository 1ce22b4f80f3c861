"""Who is asking: the bearer secret of a request, or its signature, into a ``Key``. The only place that says so.

A secret is hashed at once and kept nowhere; the secret of a signature is derived when it is needed.
"""

import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.errors import ModelNotAllowed, NotAuthenticated
from gateway.keys import sigv4
from gateway.keys.model import Key, Scope
from gateway.keys.secrets import digest
from gateway.keys.sigv4 import Claim, Signed, SignerUnknown

BEARER = b"bearer"
BARE = (b"x-api-key", b"api-key")  # the Anthropic and the Azure clients' headers
HOW = "send your gateway key as: Authorization: Bearer <key>"


class Guard:
    """Looks keys up in memory. Deny by default: a route asks it, or is one of the two public ones.

    Args:
        pepper: What the secrets of signing keys are derived from; ``None``: nobody signs.
        now: Unix seconds.
    """

    __slots__ = ("_keys", "_now", "_pepper", "_signers")

    def __init__(self, keys: Iterable[Key], *, pepper: str | None = None, now: Callable[[], float] = time.time) -> None:
        self._pepper = pepper
        self._now = now
        self._keys: dict[str, Key] = {}
        self._signers: dict[str, Key] = {}
        self.replace(keys)

    def replace(self, keys: Iterable[Key]) -> None:
        """Take these keys from now on, all at once."""
        keys = tuple(keys)
        self._keys = {key.hash.lower(): key for key in keys}
        self._signers = {key.id: key for key in keys if key.sigv4}

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

    def seal(self, scope: Mapping[str, Any]) -> "Seal | None":
        """The seal on a request that is signed, ``None`` where it carries its key: everything that can be said of a
        signature before the body is there, so that a stranger's body is never read.

        Args:
            scope: The request's, as ASGI gives it.

        Raises:
            NotAuthenticated: The signature is incomplete, out of date, or of nobody who may sign.
        """
        headers = scope["headers"]
        if not any(name == b"authorization" and value.startswith(sigv4.ALGORITHM) for name, value in headers):
            return None
        if any(name in BARE and value for name, value in headers):
            raise NotAuthenticated("The request is signed and carries a key, too: do one of them")
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        request = Signed(scope["method"], path, query, headers, is_private=scope["scheme"] == "https")
        claim = sigv4.claim(request, now=self._now())
        key = self._signers.get(claim.key_id)
        if key is None or self._pepper is None:
            raise SignerUnknown("The access key id is not known here, or may not sign; ask the gateway's operators for a pair")
        return Seal(key, request, claim, self._pepper)


class Seal:
    """A signature that is not checked yet.

    Attributes:
        key: Whose it claims to be.
    """

    __slots__ = ("_claim", "_pepper", "_request", "key")

    def __init__(self, key: Key, request: Signed, claim: Claim, pepper: str) -> None:
        self.key = key
        self._request = request
        self._claim = claim
        self._pepper = pepper

    def check(self, body: bytes) -> None:
        """Return if the key's owner has signed exactly this.

        Raises:
            NotAuthenticated: Nobody has, or somebody else.
        """
        sigv4.check(self._claim, self._request, body, secret=sigv4.secret_access_key(self._pepper, self.key.id))


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
