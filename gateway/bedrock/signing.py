"""AWS Signature Version 4: a request's parts in, its headers out. Pure: no clock, no network, no search for credentials.

Source: AWS "Create a signed AWS API request"; judged by botocore's SigV4Auth in tests/referees/test_signing.py.
"""

import hmac
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
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

    Returns:
        The headers to send, ``host`` and ``authorization`` among them.
    """
    moment = _moment(int(at))
    signed = {name: " ".join(value.split()) for name, value in headers.items()}
    signed["host"] = host
    signed["x-amz-date"] = moment
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = sorted(signed)
    signed_names = ";".join(names)
    lines = "\n".join([f"{name}:{signed[name]}" for name in names])
    request = (
        f"{method}\n{_encoded_again(path)}\n{_sorted_query(query) if query else ''}\n{lines}\n\n"
        f"{signed_names}\n{sha256(body).hexdigest()}"
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_key, moment[:8], region, service)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    signed["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={signed_names}, Signature={signature}"
    )
    return signed


@lru_cache(maxsize=256)
def _signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    """Four HMACs that change once a day."""
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=4)
def _moment(seconds: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


@lru_cache(maxsize=1024)
def _encoded_again(path: str) -> str:
    return quote(path, safe="/~")


def _sorted_query(query: str) -> str:
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&"))
    return "&".join(f"{name}={value}" for name, value in pairs)
