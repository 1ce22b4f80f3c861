"""Who is calling? Checks SigV4 as a server does, and bearer keys. Written from AWS's description of Signature Version 4.

Must never know what is asked; and never uses the sandbox's clock, because SDKs sign with the real time.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote, unquote

from gateway.sandbox.errors import AwsError

_SKEW = timedelta(minutes=5)
_STAMP = "%Y%m%dT%H%M%SZ"
_SPACES = re.compile(r" +")

Headers = Sequence[tuple[str, str]]


class Credentials(NamedTuple):
    """What the sandbox accepts.

    Attributes:
        bearer: The one bearer key accepted; ``None`` accepts any that is not empty.
    """

    access_key_id: str = "sandbox"
    secret_access_key: str = "sandbox"  # noqa: S105 - the sandbox's public default, not a secret
    bearer: str | None = None


def from_environment(environ: Mapping[str, str]) -> Credentials:
    """The credentials that AWS SDKs started from this environment would use, else ``sandbox`` / ``sandbox``."""
    default = Credentials()
    return Credentials(
        environ.get("AWS_ACCESS_KEY_ID") or default.access_key_id,
        environ.get("AWS_SECRET_ACCESS_KEY") or default.secret_access_key,
        environ.get("AWS_BEARER_TOKEN_BEDROCK") or None,
    )


class Signed(NamedTuple):
    """The parts of the request that a signature covers.

    Attributes:
        raw_path: The path as it stood on the request line, percent-encoding untouched.
        query: The raw query string.
        headers: Names in lower case, in the order received.
    """

    method: str
    raw_path: str
    query: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)


def check(request: Signed, credentials: Credentials, now: datetime) -> None:
    """Return if the caller is who it says.

    Raises:
        AwsError: 403 with AWS's name and words for what is wrong.
    """
    authorization = request.header("authorization")
    if not authorization:
        raise AwsError("MissingAuthenticationTokenException")
    scheme, _, rest = authorization.partition(" ")
    if scheme == "Bearer":
        _check_bearer(rest.strip(), credentials)
    elif scheme == "AWS4-HMAC-SHA256":
        _check_signature(request, _parse(rest), credentials, now)
    else:
        raise AwsError("IncompleteSignatureException", f"Unsupported authorization scheme {scheme!r}.")


def _check_bearer(key: str, credentials: Credentials) -> None:
    expected = credentials.bearer if credentials.bearer is not None else key
    if not key or not hmac.compare_digest(key.encode(), expected.encode()):
        raise AwsError("AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.")


class _Claim(NamedTuple):
    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def _parse(text: str) -> _Claim:
    fields = dict(part.strip().partition("=")[::2] for part in text.split(","))
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not fields.get(name):
            raise AwsError("IncompleteSignatureException", f"Authorization header requires '{name}' parameter.")
    key, *scope = fields["Credential"].rsplit("/", 4)
    if len(scope) != 4 or scope[3] != "aws4_request":
        raise AwsError("IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements.")
    return _Claim(key, scope[0], scope[1], scope[2], tuple(fields["SignedHeaders"].split(";")), fields["Signature"])


def _check_signature(request: Signed, claim: _Claim, credentials: Credentials, now: datetime) -> None:
    if not hmac.compare_digest(claim.access_key_id.encode(), credentials.access_key_id.encode()):
        raise AwsError("UnrecognizedClientException")
    if claim.service != "bedrock":
        raise AwsError("InvalidSignatureException", "Credential should be scoped to correct service: 'bedrock'.")
    stamp = request.header("x-amz-date")
    if stamp is None or "host" not in claim.signed_headers:
        raise AwsError("IncompleteSignatureException", "Authorization header requires 'X-Amz-Date' and a signed 'Host'.")
    _check_date(stamp, claim, now)
    expected = _signature(_string_to_sign(request, claim, stamp), claim, credentials)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise AwsError("InvalidSignatureException")


def _check_date(stamp: str, claim: _Claim, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise AwsError("IncompleteSignatureException", f"Date must be in ISO-8601 'basic format'. Got '{stamp}'.") from None
    if not stamp.startswith(claim.date):
        message = f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{stamp}'."
        raise AwsError("InvalidSignatureException", message)
    if signed_at < now - _SKEW:
        oldest = (now - _SKEW).strftime(_STAMP)
        message = f"Signature expired: {stamp} is now earlier than {oldest} ({now.strftime(_STAMP)} - 5 min.)"
        raise AwsError("InvalidSignatureException", message)
    if signed_at > now + _SKEW:
        newest = (now + _SKEW).strftime(_STAMP)
        message = f"Signature not yet current: {stamp} is still later than {newest} ({now.strftime(_STAMP)} + 5 min.)"
        raise AwsError("InvalidSignatureException", message)


def _string_to_sign(request: Signed, claim: _Claim, stamp: str) -> str:
    hashed = hashlib.sha256(_canonical(request, claim.signed_headers).encode()).hexdigest()
    return f"AWS4-HMAC-SHA256\n{stamp}\n{claim.scope}\n{hashed}"


def _canonical(request: Signed, signed_headers: Sequence[str]) -> str:
    # Every service but S3 has the path, encoded on the wire already, encoded once more: %3A becomes %253A.
    uri = quote(request.raw_path, safe="/-_.~")
    headers = "".join(f"{name}:{_values(request.headers, name)}\n" for name in signed_headers)
    payload = hashlib.sha256(request.body).hexdigest()
    return "\n".join((request.method, uri, _canonical_query(request.query), headers, ";".join(signed_headers), payload))


def _values(headers: Headers, name: str) -> str:
    return ",".join(_SPACES.sub(" ", value.strip()) for known, value in headers if known == name)


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    encoded = sorted(tuple(quote(unquote(text), safe="-_.~") for text in pair) for pair in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _signature(string_to_sign: str, claim: _Claim, credentials: Credentials) -> str:
    key = b"AWS4" + credentials.secret_access_key.encode()
    for part in (claim.date, claim.region, claim.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, string_to_sign.encode(), "sha256").hex()
