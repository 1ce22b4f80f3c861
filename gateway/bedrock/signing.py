"""AWS Signature Version 4: a request's parts in, its headers out. Pure: no clock, no network, no search for credentials.

Source: AWS "Create a signed AWS API request"; judged by botocore's SigV4Auth in tests/referees/test_signing.py.
"""

import hmac
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Who signs.

    Attributes:
        token: The session token of temporary credentials.
        expires: Unix seconds after which AWS refuses them; ``None``: they do not expire.
    """

    access_key: str
    secret_key: str
    token: str | None = None
    expires: float | None = None

    def __repr__(self) -> str:
        # A secret that is printed is a secret that is logged.
        return f"Credentials(access_key=…{self.access_key[-4:]}, expires={self.expires})"


class Layout(NamedTuple):
    """A request without what changes from one to the next: its moment and its body.

    Attributes:
        before, after: The canonical request around the moment and before the body's digest.
        names: The signed headers' names, joined.
        headers: To send beside ``x-amz-date`` and ``authorization``.
        lines: The same as they stand in a request's head.
    """

    before: str
    after: str
    names: str
    headers: dict[str, str]
    lines: str


def sign(
    credentials: Credentials,
    *,
    host: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
    region: str,
    at: float,
    service: str = "bedrock",
    method: str = "POST",
    query: str = "",
    encodes_path: bool = True,
) -> dict[str, str]:
    """Sign one request; every header given is signed.

    Args:
        host: As the ``host`` header says it, with a port that is not the scheme's own.
        path: As it stands on the request line, percent-encoded once and free of ``.`` and empty segments. It is encoded
            a second time for the signature, as every service but S3 wants: whoever forgets that gets a 403.
        headers: Lower-case names. Values are sent as they are signed: with single spaces, so that no line break survives.
        at: Unix seconds. AWS allows five minutes of difference from its own clock.
        service: ``bedrock`` for the runtime and the control plane alike, although their hosts differ.
        query: As it stands on the request line, encoded.
        encodes_path: False for S3.

    Returns:
        The headers to send, ``host`` and ``authorization`` among them.
    """
    plan = layout(method, path, query, host, tuple(headers.items()), credentials.token, encodes_path=encodes_path)
    date = dated(plan, credentials, region=region, second=int(at), service=service)
    return plan.headers | {"x-amz-date": date.moment, "authorization": date.authorization + signature(date, body)}


@lru_cache(maxsize=4096)
def layout(  # noqa: PLR0917 - by position, because that is the cheaper key
    method: str,
    path: str,
    query: str,
    host: str,
    headers: tuple[tuple[str, str], ...],
    token: str | None,
    *,
    encodes_path: bool = True,
) -> Layout:
    """Lay out all requests that differ in moment and body alone. For the arguments see ``sign``."""
    constant = {name: " ".join(value.split()) for name, value in headers} | {"host": host}
    if token:
        constant["x-amz-security-token"] = token
    names = sorted([*constant, "x-amz-date"])
    earlier = "".join([f"{name}:{constant[name]}\n" for name in names if name < "x-amz-date"])
    later = "".join([f"\n{name}:{constant[name]}" for name in names if name > "x-amz-date"])
    signed_names = ";".join(names)
    return Layout(
        before=f"{method}\n{quote(path, safe='/~') if encodes_path else path}\n{_sorted_query(query) if query else ''}\n{earlier}x-amz-date:",
        after=f"{later}\n\n{signed_names}\n",
        names=signed_names,
        headers=constant,
        lines="".join([f"{name}: {value}\r\n" for name, value in constant.items()]),
    )


lay_out = layout.__wrapped__
"""``layout`` that remembers nothing: for what strangers say, of which no two may be the same."""


class Dated(NamedTuple):
    """All requests of one layout in one second: only the body is missing. OpenSSL's hash states, copied and never changed.

    Attributes:
        moment: The value of ``x-amz-date``.
        canonical: SHA-256 of the canonical request up to the body's digest.
        inner: HMAC's inner hash of the string to sign up to the canonical request's digest.
        outer: Its outer hash, with only the key worked in.
        authorization: The header's value up to the signature.
    """

    moment: str
    canonical: Any
    inner: Any
    outer: Any
    authorization: str


def dated(plan: Layout, credentials: Credentials, *, region: str, second: int, service: str = "bedrock") -> Dated:
    """Date a layout: what is signed once for all requests of a second.

    Args:
        second: Whole Unix seconds. AWS allows five minutes of difference from its own clock.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
    keyed, scope = _signing_key(credentials.secret_key, moment[:8], region, service)
    inner = keyed.inner.copy()
    inner.update(f"{_ALGORITHM}\n{moment}\n{scope}\n".encode())
    return Dated(
        moment,
        sha256(f"{plan.before}{moment}{plan.after}".encode()),
        inner,
        keyed.outer,
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={plan.names}, Signature=",
    )


def signature(date: Dated, body: bytes, digest: str | None = None) -> str:
    """The signature of a dated request with this body; ``digest`` stands for it if it is not the body's own SHA-256."""
    canonical, inner, outer = date.canonical.copy(), date.inner.copy(), date.outer.copy()
    canonical.update((digest or sha256(body).hexdigest()).encode())
    inner.update(canonical.hexdigest().encode())
    outer.update(inner.digest())
    digits: str = outer.hexdigest()
    return digits


class _Keyed(NamedTuple):
    """HMAC-SHA256 with its key worked in (RFC 2104). OpenSSL looks its HMAC up anew for every call, which costs more than
    the two hashes do.
    """

    inner: Any
    outer: Any


@lru_cache(maxsize=256)
def _signing_key(secret_key: str, date: str, region: str, service: str) -> tuple[_Keyed, str]:
    """Four HMACs that change once a day, and the scope that they are good for."""
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    block = key.ljust(64, b"\0")
    keyed = _Keyed(sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block)))
    return keyed, f"{date}/{region}/{service}/aws4_request"


def _sorted_query(query: str) -> str:
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&"))
    return "&".join(f"{name}={value}" for name, value in pairs)
