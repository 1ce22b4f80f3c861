"""botocore judges how we ask S3: which host, which path, which signature."""

import io
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from gateway.bedrock.hosts import bucket_endpoint
from gateway.bedrock.signing import Credentials, sign

KEYS = st.text("abcXYZ019-!_*'().~ +/äé%", min_size=1, max_size=40).filter(
    lambda key: "//" not in key and not key.startswith("/")
)


@given(key=KEYS, token=st.none() | st.just("session"), etag=st.sampled_from(["", '"abc"']), at=st.integers(0, 4_000_000_000))
def test_signatures(key, token, etag, at):
    """Whatever the key and the version asked for, the signature is botocore's: S3's path is encoded once, and no more."""
    path = f"/models/{quote(key, safe='/-_.~')}"
    headers = {"x-amz-content-sha256": botocore.auth.EMPTY_SHA256_HASH} | ({"if-none-match": etag} if etag else {})

    ours = sign(
        Credentials("AKIDEXAMPLE", "secret", token),
        host="s3.us-west-2.amazonaws.com",
        path=path,
        body=b"",
        headers=headers,
        region="us-west-2",
        at=at,
        service="s3",
        method="GET",
        encodes_path=False,
    )

    with pytest.MonkeyPatch.context() as patch:
        moment = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
        patch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
        request = AWSRequest(
            "GET", f"https://s3.us-west-2.amazonaws.com{path}", headers={"if-none-match": etag} if etag else {}, data=b""
        )
        request.context["payload_signing_enabled"] = True
        S3SigV4Auth(BotocoreCredentials("AKIDEXAMPLE", "secret", token), "s3", "us-west-2").add_auth(request)
        assert request.headers["Authorization"] == ours["authorization"]
        assert request.headers["X-Amz-Content-SHA256"] == ours["x-amz-content-sha256"]


@pytest.mark.parametrize("bucket", ["models", "my.models"], ids=["plain", "dotted"])
@pytest.mark.parametrize(
    ("region", "fips", "dual_stack"),
    [
        ("us-west-2", False, False),
        ("us-east-1", False, False),
        ("us-east-2", True, False),
        ("eu-central-1", False, True),
        ("us-east-2", True, True),
        ("cn-north-1", False, False),
        ("us-gov-west-1", True, False),
        ("us-iso-east-1", False, False),
    ],
)
def test_hosts(bucket, region, fips, dual_stack):
    """In every partition a bucket is asked where botocore asks it, dots in its name or not."""
    config = Config(
        use_fips_endpoint=fips,
        use_dualstack_endpoint=dual_stack,
        s3={"us_east_1_regional_endpoint": "regional"},
    )
    client = Session().create_client("s3", region, config=config, aws_access_key_id="a", aws_secret_access_key="b")
    sent = []

    def keep(request, **_):
        sent.append(urlsplit(request.url))
        return AWSResponse(request.url, 200, {}, io.BytesIO())

    client.meta.events.register("before-send.s3.GetObject", keep)
    client.get_object(Bucket=bucket, Key="a/b.json")
    (theirs,) = sent

    ours = bucket_endpoint(bucket, region, {}, fips=fips, dual_stack=dual_stack)

    assert (theirs.netloc, theirs.path) == (ours.host_header, f"{ours.base_path}/a/b.json")


def test_an_override_has_the_bucket_in_its_path():
    """A proxy, and moto, know no bucket as a host."""
    ours = bucket_endpoint("models", "us-west-2", {"s3": "http://127.0.0.1:9001/aws/"})

    assert (ours.host_header, ours.base_path) == ("127.0.0.1:9001", "/aws/models")
