"""Requests signed with a gateway-issued pair: who they claim to be from, and whether that is true. Pure.

The secret of a pair is derived from the gateway's pepper and the key's id, so nothing is stored that signs. Time and
secrets are arguments; the canonical form is the one that we sign with ourselves.

Source: AWS "Signature Version 4 signing process"; judged by botocore's signers in tests/referees/test_signed_requests.py.
"""

import calendar
import hmac
import re
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from gateway.bedrock.signing import Credentials, dated, lay_out, signature
from gateway.errors import NotAuthenticated
from gateway.keys.secrets import base62

ALGORITHM = b"AWS4-HMAC-SHA256"
SKEW_SECONDS = 300  # AWS's own: a signature is good for so long before and after its moment
UNSIGNED = "UNSIGNED-PAYLOAD"

_SERVICE = "bedrock"  # every SDK's signing name for the runtime
_KEY_PREFIX = "qk_"
_DERIVATION = b"quarry sigv4 "  # so that the pepper, should it serve something else one day, never says the same twice
_FIELD = re.compile(r"(Credential|SignedHeaders|Signature)=([^\s,]+)")
_SCOPE = re.compile(r"([A-Za-z0-9_]{1,64})/(\d{8})/([a-z0-9-]{1,32})/([a-z0-9-]{1,32})/aws4_request")
_DIGEST = re.compile(r"[0-9a-f]{64}")

# What a request's meaning hangs on. A header that is not signed could be put there by anyone on the way.
_MUST_BE_SIGNED = (b"x-amz-", b"x-amzn-bedrock-")


class SignatureIncomplete(NotAuthenticated):
    """The signature lacks something, or is in a form that is not read here."""


class SignatureRefused(NotAuthenticated):
    """The signature is not that of this request by this key, now."""


class SignerUnknown(NotAuthenticated):
    """No key of that id may sign."""


class Signed(NamedTuple):
    """The parts of a request that a signature covers, its body aside.

    Attributes:
        path: As it stands on the request line, percent-encoding untouched.
        query: Likewise, without the question mark.
        headers: As ASGI gives them, names in lower case.
        is_private: Whether it came over TLS.
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[bytes, bytes]]
    is_private: bool


class Claim(NamedTuple):
    """What a signed request says of itself. True only once ``check`` has passed.

    Attributes:
        at: Unix seconds of its signing.
        digest: The body's, as signed; ``None``: the SHA-256 that the body has.
    """

    key_id: str
    region: str
    at: int
    names: tuple[str, ...]
    signature: str
    digest: str | None


def access_key_id(key_id: str) -> str:
    """The public half of a key's pair."""
    return _KEY_PREFIX + key_id


def secret_access_key(pepper: str, key_id: str) -> str:
    """The secret half: 256 bits in base 62, derived and stored nowhere. Whoever has the pepper has all of them."""
    return base62(hmac.digest(pepper.encode(), _DERIVATION + key_id.encode(), "sha256"))


def claim(request: Signed, *, now: float) -> Claim:
    """Read who a request claims to be from, and refuse what needs neither its body nor a secret to be refused.

    Args:
        now: Unix seconds.

    Raises:
        SignatureIncomplete, SignatureRefused: The message says what is missing or wrong.
    """
    fields = _fields(_only(request, b"authorization"))
    scope = _SCOPE.fullmatch(fields["Credential"])
    if scope is None:
        raise SignatureIncomplete("The credential must be ACCESS_KEY_ID/DATE/REGION/bedrock/aws4_request")
    access_key, date, region, service = scope.groups()
    if service != _SERVICE:
        raise SignatureRefused(f'The signature is for another service: sign for "{_SERVICE}"')
    names = tuple(fields["SignedHeaders"].split(";"))
    _check_names(request, names)
    at = _moment(_only(request, b"x-amz-date"), date, now)
    digest = _digest(request)
    return Claim(access_key.removeprefix(_KEY_PREFIX), region, at, names, fields["Signature"], digest)


def check(made: Claim, request: Signed, body: bytes, *, secret: str) -> None:
    """Return if the request was signed with this secret and has this body: it is signed again, and compared.

    Raises:
        SignatureRefused: It was not. Which part differs is not said, and not known.
    """
    if made.digest not in {None, UNSIGNED} and not hmac.compare_digest(str(made.digest), sha256(body).hexdigest()):
        raise SignatureRefused("The body is not the one that was signed")
    credentials = Credentials(access_key_id(made.key_id), secret)
    headers = tuple((name, _value(request, name)) for name in made.names if name not in {"host", "x-amz-date"})
    plan = lay_out(request.method, _folded(request.path), request.query, _value(request, "host"), headers, None)
    ours = signature(dated(plan, credentials, region=made.region, second=made.at), body, made.digest)
    if not hmac.compare_digest(ours.encode(), made.signature.encode()):
        raise SignatureRefused(
            "The signature does not match: check the secret access key, and that no proxy changes the host, the path or the body"
        )


def _fields(authorization: str) -> dict[str, str]:
    fields = dict(_FIELD.findall(authorization))
    if len(fields) < 3:
        raise SignatureIncomplete("The Authorization header must hold Credential, SignedHeaders and Signature")
    return fields


def _check_names(request: Signed, names: tuple[str, ...]) -> None:
    if not {"host", "x-amz-date"} <= set(names):
        raise SignatureIncomplete("The headers host and x-amz-date must be signed")
    for name, _ in request.headers:
        if name.startswith(_MUST_BE_SIGNED) and name.decode("latin-1") not in names:
            raise SignatureRefused(f"The header {name[:64].decode('latin-1')} must be signed")


def _moment(stamp: str, date: str, now: float) -> int:
    try:
        at = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError as error:
        raise SignatureIncomplete("The header x-amz-date must read like 20261127T120000Z") from error
    if not stamp.startswith(date):
        raise SignatureRefused("The credential's date is not that of x-amz-date")
    if abs(at - now) > SKEW_SECONDS:
        theirs = f"{stamp} is more than {SKEW_SECONDS // 60} minutes from this gateway's clock"
        raise SignatureRefused(f"The signature has expired, or a clock is wrong: {theirs}")
    return at


def _digest(request: Signed) -> str | None:
    said = _value(request, "x-amz-content-sha256")
    if not said or _DIGEST.fullmatch(said):
        return said or None
    if said == UNSIGNED and request.is_private:
        return said
    if said == UNSIGNED:
        raise SignatureRefused(f"{UNSIGNED} is taken over TLS only: sign the body")
    raise SignatureIncomplete(f"x-amz-content-sha256 must be the body's SHA-256 in hex, or {UNSIGNED} over TLS")


def _only(request: Signed, wanted: bytes) -> str:
    """The value of a header that must be there once."""
    values = [value for name, value in request.headers if name == wanted]
    if len(values) != 1:
        raise SignatureIncomplete(f"The header {wanted.decode()} must be there once")
    return values[0].decode("latin-1").strip()


def _value(request: Signed, wanted: str) -> str:
    """A header as a signature covers it: repeated ones joined; empty when it is not there."""
    return ",".join(value.decode("latin-1").strip() for name, value in request.headers if name.decode("latin-1") == wanted)


def _folded(path: str) -> str:
    """The path as signers see it: they fold slashes too many before they sign, and send them all the same."""
    return "/" + "/".join(part for part in path.split("/") if part) + ("/" if len(path) > 1 and path.endswith("/") else "")
