"""Who signs an exchange, and by which clock: a learned skew, the bearer token and where it may go."""

from email.utils import formatdate
from time import time

import pytest

from gateway.bedrock.client import Client
from gateway.bedrock.credentials import CredentialSource
from gateway.errors import UpstreamRefused
from tests.gateway.bedrock.asking import KEYS, read, saying
from tests.gateway.bedrock.upstream import serve, whole


def refused(name, **headers):
    lines = [b"x-amzn-errortype: " + name.encode(), *(f"{key}: {value}".encode() for key, value in headers.items())]
    return whole(b'{"message":"Signature expired"}', *lines, status=b"403 Forbidden")


async def test_skew_is_learned(runtime_to):
    """A clock that is wrong costs one refused signature: the request is signed again by AWS's clock, and so are all others."""

    async def answer(visit):
        stamp = visit.header("x-amz-date")
        if stamp.startswith("19700101"):
            await visit.send(refused("InvalidSignatureException", date=formatdate(time(), usegmt=True)))
        else:
            await visit.send(whole(b"{}"))

    async with serve(answer) as upstream:
        runtime = runtime_to(upstream, now=lambda: 0.0)

        assert await read(runtime, stream=False) == ([b"{}"], None)
        assert await read(runtime, stream=False) == ([b"{}"], None)
        assert len(upstream.visits) == 3
        assert abs(runtime.skew_seconds - time()) < 60


@pytest.mark.parametrize(
    "date", [{}, {"date": "yesterday"}, {"date": formatdate(1_000_010, usegmt=True)}], ids=["none", "nonsense", "ours"]
)
async def test_bad_signature_without_skew(runtime_to, date):
    """When the clocks agree, a refused signature is refused for good."""
    async with serve(saying(refused("SignatureDoesNotMatch", **date))) as upstream:
        chunks, error = await read(runtime_to(upstream, now=lambda: 1_000_000.0), stream=False)

        assert ([], UpstreamRefused) == (chunks, type(error))
        assert len(upstream.visits) == 1


async def test_skew_that_does_not_help(runtime_to):
    """The second refusal is final."""
    async with serve(saying(refused("InvalidSignatureException", date=formatdate(2_000_000, usegmt=True)))) as upstream:
        _, error = await read(runtime_to(upstream, now=lambda: 1_000_000.0), stream=False)

        assert type(error) is UpstreamRefused
        assert len(upstream.visits) == 2


async def test_bearer_over_tls(runtime_to, good):
    """Over HTTPS the bearer token is sent, alone, whatever keys there are."""
    credentials = CredentialSource(keys=KEYS, environment={"AWS_BEARER_TOKEN_BEDROCK": "abc"})

    async with serve(saying(whole(b"{}")), good.server()) as upstream:
        runtime = runtime_to(upstream, credentials=credentials, scheme="https", client=Client(ca_bundle=str(good.path)))
        await read(runtime, stream=False)

    (visit,) = upstream.visits
    assert visit.header("authorization") == "Bearer abc"
    assert visit.header("x-amz-date") == ""


async def test_no_bearer_in_the_clear(runtime_to):
    """Over plain HTTP the token stays here, and the request is signed."""
    credentials = CredentialSource(keys=KEYS, bearer_token="abc", environment={})

    async with serve(saying(whole(b"{}"))) as upstream:
        await read(runtime_to(upstream, credentials=credentials), stream=False)

    assert upstream.visits[0].header("authorization").startswith("AWS4-HMAC-SHA256 ")
