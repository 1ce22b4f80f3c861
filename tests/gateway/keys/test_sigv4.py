"""Who signed, and what must not pass for it. That SDKs' signatures do pass is for tests/referees/bedrock to say."""

import time
from hashlib import sha256
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Botocore
from hypothesis import given
from hypothesis import strategies as st

from gateway.bedrock.signing import Credentials, sign
from gateway.errors import NotAuthenticated
from gateway.keys import sigv4
from gateway.keys.sigv4 import SignatureIncomplete, SignatureRefused, Signed

PEPPER = "0123456789abcdef" * 4
KEY_ID = "k3v9x0q2m7ab"
SECRET = sigv4.secret_access_key(PEPPER, KEY_ID)
NOW = 1_795_824_000  # 2026-11-28T00:00:00Z: a day later than a second earlier
PATH = "/bedrock/model/team%2Fhaiku%3Av1/invoke"
BODY = b'{"prompt": "hi"}'


def signed(*, at: float = NOW, body: bytes = BODY, more: dict[str, str] | None = None, **changes: Any) -> Signed:
    """A request signed as its owner would, then changed."""
    credentials = Credentials(sigv4.access_key_id(KEY_ID), SECRET)
    headers = {"content-type": "application/json"} | (more or {})
    made = sign(credentials, host="gateway:8080", path=PATH, body=body, headers=headers, region="us-west-2", at=at)
    fields = [(name.encode(), value.encode()) for name, value in made.items()]
    return Signed("POST", PATH, "", fields, is_private=False)._replace(**changes)


def check(request: Signed, body: bytes = BODY, *, now: float = NOW, secret: str = SECRET) -> None:
    sigv4.check(sigv4.claim(request, now=now), request, body, secret=secret)


def with_header(request: Signed, name: bytes, value: bytes | None) -> Signed:
    """The same with a header changed, added, or taken away."""
    kept = [field for field in request.headers if field[0] != name]
    return request._replace(headers=kept if value is None else [*kept, (name, value)])


def test_the_owner_passes() -> None:
    """What was signed with the pair is known by it, and the claim names the key."""
    request = signed(more={"x-amzn-bedrock-trace": "ENABLED"})

    check(request)

    assert sigv4.claim(request, now=NOW).key_id == KEY_ID


def test_a_pair_of_its_own_for_every_key() -> None:
    """Secrets follow from the pepper and the id, and tell neither of each other nor of the pepper."""
    other = sigv4.secret_access_key(PEPPER, "k3v9x0q2m7ac")

    assert sigv4.secret_access_key(PEPPER, KEY_ID) == SECRET
    assert len({SECRET, other, sigv4.secret_access_key(PEPPER[::-1], KEY_ID)}) == 3
    assert len(SECRET) == 43
    assert SECRET.isalnum()


CHANGED = {
    "another body": (signed(), b'{"prompt": "ho"}'),
    "no body": (signed(), b""),
    "another path": (signed(path="/bedrock/model/other/invoke"), BODY),
    "the path decoded": (signed(path="/bedrock/model/team/haiku:v1/invoke"), BODY),
    "another method": (signed(method="PUT"), BODY),
    "a query": (signed(query="x=1"), BODY),
    "another host": (with_header(signed(), b"host", b"elsewhere"), BODY),
    "another signed header": (with_header(signed(), b"content-type", b"text/plain"), BODY),
    "a signed header gone": (with_header(signed(), b"content-type", None), BODY),
    "a signed header twice": (signed(headers=[*signed().headers, (b"content-type", b"application/json")]), BODY),
    "an unsigned header of AWS's": (with_header(signed(), b"x-amz-security-token", b"t"), BODY),
    "an unsigned header of Bedrock's": (with_header(signed(), b"x-amzn-bedrock-trace", b"ENABLED"), BODY),
}


@pytest.mark.parametrize(("request_", "body"), CHANGED.values(), ids=CHANGED.keys())
def test_a_change_breaks_the_seal(request_: Signed, body: bytes) -> None:
    """Nothing of what was signed can be another than it was, and nothing that matters can be added."""
    with pytest.raises(SignatureRefused):
        check(request_, body)


@pytest.mark.parametrize("secret", [SECRET[:-1], SECRET.swapcase(), "", sigv4.secret_access_key(PEPPER, "other")])
def test_another_secret(secret: str) -> None:
    """Only the pair's own secret makes the signature."""
    with pytest.raises(SignatureRefused):
        check(signed(), secret=secret)


@pytest.mark.parametrize(("seconds", "passes"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_a_signature_is_good_for_five_minutes(seconds: int, passes: bool) -> None:
    """Before and after, to the second; what is older is told so, with the gateway's idea of the difference."""
    request = signed(at=NOW + seconds)
    if passes:
        check(request)
        return
    with pytest.raises(SignatureRefused, match="more than 5 minutes"):
        check(request)


def test_a_signature_lives_over_midnight() -> None:
    """The day in the credential is the signer's, not that of whoever checks it a minute later."""
    check(signed(at=NOW - 60), now=NOW)


INCOMPLETE = {
    "no authorization": with_header(signed(), b"authorization", None),
    "two authorizations": signed(headers=[*signed().headers, (b"authorization", b"Bearer x")]),
    "no fields": with_header(signed(), b"authorization", b"AWS4-HMAC-SHA256 "),
    "no signature": with_header(signed(), b"authorization", b"AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host"),
    "a credential of another form": with_header(
        signed(), b"authorization", b"AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;x-amz-date, Signature=00"
    ),
    "no date": with_header(signed(), b"x-amz-date", None),
    "a date of another form": with_header(signed(), b"x-amz-date", b"Fri, 27 Nov 2026 12:00:00 GMT"),
    "the host unsigned": with_header(
        signed(),
        b"authorization",
        b"AWS4-HMAC-SHA256 Credential=a/20261128/us-west-2/bedrock/aws4_request, SignedHeaders=x-amz-date, Signature=00",
    ),
    "a streamed body": with_header(signed(), b"x-amz-content-sha256", b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
}


@pytest.mark.parametrize("request_", INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_what_cannot_be_read_is_incomplete(request_: Signed) -> None:
    """Refused before a secret or a body is needed; the message says what is missing."""
    with pytest.raises(NotAuthenticated) as caught:
        sigv4.claim(request_, now=NOW)

    assert isinstance(caught.value, SignatureIncomplete | SignatureRefused)
    assert SECRET not in str(caught.value)


def test_another_service() -> None:
    """A signature for S3 is none for Bedrock, though the secret be the same."""
    credentials = Credentials(sigv4.access_key_id(KEY_ID), SECRET)
    made = sign(credentials, host="h", path=PATH, body=BODY, headers={}, region="us-west-2", at=NOW, service="s3")
    request = signed(headers=[(name.encode(), value.encode()) for name, value in made.items()])

    with pytest.raises(SignatureRefused, match="another service"):
        check(request)


def test_a_body_s_digest_that_is_said_must_be_true() -> None:
    """``x-amz-content-sha256`` stands for the body in the signature, so it is compared with the body."""
    said = {"x-amz-content-sha256": sha256(BODY).hexdigest()}

    check(signed(more=said))
    with pytest.raises(SignatureRefused, match="body"):
        check(signed(more=said), b"another")


def _unsigned(*, is_private: bool) -> Signed:
    """As SDKs sign over TLS that leave the body out: its digest is a word."""
    request = AWSRequest("POST", f"https://gateway{PATH}", data=BODY, headers={"X-Amz-Content-SHA256": sigv4.UNSIGNED})
    SigV4Auth(Botocore(sigv4.access_key_id(KEY_ID), SECRET), "bedrock", "us-west-2").add_auth(request)
    fields = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    return Signed("POST", PATH, "", [(b"host", b"gateway"), *fields], is_private=is_private)


def test_an_unsigned_body_over_tls_only() -> None:
    """Where TLS keeps the body from being changed it need not be signed; nowhere else."""
    check(_unsigned(is_private=True), b"whatever it is", now=time.time())
    with pytest.raises(SignatureRefused, match="TLS only"):
        check(_unsigned(is_private=False), now=time.time())


@given(
    st.binary(max_size=200),
    st.binary(max_size=60),
    st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=30)), max_size=4),
)
def test_whatever_is_sent(authorization: bytes, date: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Bytes of a stranger's never do more than be refused."""
    fields = [(b"authorization", b"AWS4-HMAC-SHA256 " + authorization), (b"x-amz-date", date), *headers]

    with pytest.raises(NotAuthenticated):
        check(Signed("POST", PATH, "", fields, is_private=False))
