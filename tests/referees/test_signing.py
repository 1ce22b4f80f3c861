"""botocore judges our signatures."""

from datetime import UTC, datetime
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from gateway.bedrock.signing import Credentials, sign

PRINTABLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
WORDS = st.text(PRINTABLE, min_size=1, max_size=40)
VALUES = st.lists(st.text(PRINTABLE, min_size=1, max_size=12), min_size=1, max_size=5).map("  ".join)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["accept", "content-type", "x-amzn-bedrock-accept", "x-amzn-bedrock-trace", "x-amzn-bedrock-guardrailidentifier"]
    ),
    VALUES,
)
SEGMENTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    lambda text: text not in {".", ".."}
)
QUERIES = st.lists(st.tuples(WORDS, WORDS), max_size=5, unique_by=lambda pair: pair[0]).map(
    lambda pairs: "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
)


def judged(credentials, *, url, body, headers, region, service, at, method):
    """The headers that botocore would send at that second."""
    with pytest.MonkeyPatch.context() as patch:
        moment = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
        patch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
        request = AWSRequest(method, url, headers=headers, data=body)
        keys = BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token)
        SigV4Auth(keys, service, region).add_auth(request)
        return request.headers


@given(
    secret=WORDS,
    token=st.none() | WORDS,
    model=SEGMENTS,
    body=st.binary(max_size=300),
    headers=HEADERS,
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
    service=st.sampled_from(["bedrock", "sts"]),
    at=st.integers(0, 4_000_000_000),
    method=st.sampled_from(["POST", "GET"]),
    query=QUERIES,
    port=st.sampled_from(["", ":9000"]),
)
def test_any_request(secret, token, model, body, headers, region, service, at, method, query, port):
    """Whatever is signed, botocore would have signed it so."""
    credentials = Credentials("AKIDEXAMPLE", secret, token)
    host = f"bedrock-runtime.{region}.amazonaws.com{port}"
    path = f"/model/{quote(model, safe='')}/invoke"

    ours = sign(
        credentials,
        host=host,
        path=path,
        body=body,
        headers=headers,
        region=region,
        at=at,
        service=service,
        method=method,
        query=query,
    )
    theirs = judged(
        credentials,
        url=f"https://{host}{path}{'?' if query else ''}{query}",
        body=body,
        headers=headers,
        region=region,
        service=service,
        at=at,
        method=method,
    )

    assert theirs["Authorization"] == ours["authorization"]
    assert theirs["X-Amz-Date"] == ours["x-amz-date"]
    assert theirs.get("X-Amz-Security-Token") == ours.get("x-amz-security-token")


def test_key_is_not_kept_beyond_its_day():
    """A signature after midnight is made with the new day's key."""
    credentials = Credentials("AKIDEXAMPLE", "secret")
    for at in (86_399, 86_400):
        ours = sign(credentials, host="h", path="/", body=b"", headers={}, region="us-east-1", at=at)

        theirs = judged(
            credentials, url="https://h/", body=b"", headers={}, region="us-east-1", service="bedrock", at=at, method="POST"
        )

        assert theirs["Authorization"] == ours["authorization"]
