"""Signature checks, judged by botocore's own signer."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from gateway.sandbox.errors import AwsError
from gateway.sandbox.signature import Credentials, Signed, check, from_environment

SECRET = "wJalrXUtnFEMI/K7MDENG"
URL = "http://127.0.0.1:9000/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprovisioned-model%2Fabcdef123456/invoke"
MINE = Credentials("AKID", SECRET)


def signed(url=URL, *, method="POST", body=b"{}", service="bedrock", token=None, key_id="AKID", headers=None):
    request = AWSRequest(method, url, headers=headers or {}, data=body)
    SigV4Auth(BotocoreCredentials(key_id, SECRET, token), service, "eu-central-1").add_auth(request)
    parts = urlsplit(url)
    names = [(name.lower(), str(value)) for name, value in request.headers.items()]
    return Signed(method, parts.path, parts.query, [("host", parts.netloc), *names], body)


def now():
    return datetime.now(UTC)


def refused(request, at=None):
    with pytest.raises(AwsError) as caught:
        check(request, MINE, at or now())
    return caught.value


@pytest.mark.parametrize(
    "request_made",
    [
        pytest.param(signed(), id="arn"),
        pytest.param(signed(URL.replace("%3A", ":")), id="plain colons"),
        pytest.param(signed(token="session/token=="), id="session token"),
        pytest.param(
            signed("http://h/imported-models?nameContains=a%20b%2F%C3%BC&maxResults=5&empty=", method="GET"), id="query"
        ),
        pytest.param(signed("http://h/custom-models?b=2&a=1&a=0", method="GET", body=b""), id="query order"),
        pytest.param(signed(headers={"X-Amzn-Bedrock-Trace": "  two   spaces "}), id="spaces in headers"),
        pytest.param(signed(body=b"\x00\xff" * 1000), id="binary body"),
    ],
)
def test_what_botocore_signs_is_admitted(request_made):
    """Any request that AWS's own SDK signed passes."""
    check(request_made, MINE, now())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"body": b"{ }"}, id="body"),
        pytest.param({"method": "PUT"}, id="method"),
        pytest.param({"raw_path": "/model/other/invoke"}, id="path"),
        pytest.param({"query": "a=1"}, id="query"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(change):
    """One byte changed after signing and the signature does not match."""
    error = refused(signed()._replace(**change))

    assert (error.name, error.status) == ("InvalidSignatureException", 403)
    assert "does not match the signature you provided" in error.message


@pytest.mark.parametrize(
    ("minutes", "words"), [(6, "Signature expired"), (-6, "Signature not yet current")], ids=["too old", "too early"]
)
def test_skew_beyond_five_minutes_is_refused(minutes, words):
    """A correct signature of another time is worth nothing."""
    error = refused(signed(), now() + timedelta(minutes=minutes))

    assert error.name == "InvalidSignatureException"
    assert words in error.message


@pytest.mark.parametrize("minutes", [-4, 4])
def test_skew_within_five_minutes_is_admitted(minutes):
    """Clocks differ a little."""
    check(signed(), MINE, now() + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("authorization", "name"),
    [
        (None, "MissingAuthenticationTokenException"),
        ("Basic abc", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=AKID/x", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature=00", "IncompleteSignatureException"),
        (
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/r/bedrock/aws4_request, SignedHeaders=host, Signature=00",
            "IncompleteSignatureException",
        ),
        ("Bearer ", "AccessDeniedException"),
    ],
)
def test_incomplete_claims_are_refused_by_name(authorization, name):
    """Each kind of incompleteness has AWS's name for it, and none is a crash."""
    headers = [] if authorization is None else [("authorization", authorization)]

    assert refused(Signed("POST", "/", "", headers, b"")).name == name


def test_another_service_is_refused():
    """Bedrock's runtime is signed as ``bedrock``, not as ``bedrock-runtime``."""
    error = refused(signed(service="bedrock-runtime"))

    assert error.message == "Credential should be scoped to correct service: 'bedrock'."


def test_unknown_key_id_is_told_before_the_signature():
    """A stranger learns that he is one."""
    assert refused(signed(key_id="AKIDOTHER")).name == "UnrecognizedClientException"


def test_environment_gives_credentials_or_the_default():
    """The sandbox reads what SDKs read; an empty variable is no variable."""
    assert from_environment({"AWS_ACCESS_KEY_ID": "", "OTHER": "x"}) == Credentials("sandbox", "sandbox", None)
    assert from_environment(
        {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_BEARER_TOKEN_BEDROCK": "c"}
    ) == Credentials("a", "b", "c")
