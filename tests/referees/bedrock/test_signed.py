"""AWS's SDKs sign with a gateway-issued pair: their signers are the judges of our check, over plain HTTP."""

import asyncio
import time
from typing import Any

import aioboto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from gateway.configuration import check
from gateway.keys.sigv4 import access_key_id, secret_access_key
from gateway.sandbox import faults
from gateway.sandbox.world import World
from gateway.settings import Key, Route, Server, Target
from tests.referees.bedrock.calls import ASK, COUNTED, REGION, client, invoke, said, stream
from tests.referees.sandbox.calls import BODIES
from tests.stack import Stack, digest, settings_for, stack_over

PEPPER = "0123456789abcdef" * 4
KEYS = (
    Key(name="signer", owner="team-test", id="signer1", hash=digest("one"), sigv4=True),
    Key(name="bearer", id="bearer1", hash=digest("two")),
    Key(name="metrics", id="metrics1", hash=digest("three"), scopes=("metrics",), sigv4=True),
    Key(name="limited", id="limited1", hash=digest("four"), models=("titan-*",), sigv4=True),
)
SERVER = Server(host="127.0.0.1", port=0, max_body_bytes=1_000_000, sigv4_pepper=PEPPER)


@pytest.fixture
async def stack(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A gateway that knows a pepper."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK")  # botocore would prefer it to every pair
    haiku = world.shelf.find("haiku-support")
    odd = Route(targets=(Target(arn=haiku.arn, family=haiku.family, name="odd"),))
    async with stack_over(world, server=SERVER, keys=KEYS, models={"team/haiku:v1.0": odd}) as running:
        yield running


def signer(stack: Stack, key_id: str = "signer1", secret: str | None = None, **config: Any) -> Any:
    """boto3 with the pair of a key, or with another secret."""
    return client(stack.url, key_id=access_key_id(key_id), secret=secret or secret_access_key(PEPPER, key_id), **config)


async def test_all_four_operations(stack: Stack) -> None:
    """Signed by boto3, let in by the gateway, accounted to the key."""
    runtime = signer(stack)

    def ask() -> tuple[Any, ...]:
        return (
            invoke(runtime, "haiku-support", BODIES["haiku-support"], trace="DISABLED", accept="application/json"),
            stream(runtime, "haiku-support", BODIES["haiku-support"]),
            runtime.converse(modelId="team/haiku:v1.0", **ASK),
            list(runtime.converse_stream(modelId="team/haiku:v1.0", **ASK)["stream"]),
        )

    _, chunks, reply, events = await asyncio.to_thread(ask)

    assert chunks
    assert reply["output"]["message"]["content"] == [{"text": COUNTED}]
    assert said(events) == COUNTED
    assert {(line["key"], line["owner"], line["outcome"]) for line in stack.lines()} == {("signer1", "team-test", "complete")}


async def test_aioboto3(stack: Stack) -> None:
    """So does the asynchronous client."""
    session = aioboto3.Session(access_key_id("signer1"), secret_access_key(PEPPER, "signer1"), region_name=REGION)
    async with session.client("bedrock-runtime", endpoint_url=f"{stack.url}/bedrock") as runtime:
        reply = await runtime.converse(modelId="haiku-support", **ASK)

    assert reply["output"]["message"]["content"] == [{"text": COUNTED}]


REFUSED = {
    "another's secret": ("signer1", secret_access_key(PEPPER, "limited1"), "InvalidSignatureException"),
    "a key that may not sign": ("bearer1", None, "UnrecognizedClientException"),
    "a key that is not there": ("nobody1", None, "UnrecognizedClientException"),
    "a key that may not invoke": ("metrics1", None, "AccessDeniedException"),
    "a key that may not use the alias": ("limited1", None, "AccessDeniedException"),
}


@pytest.mark.parametrize(("key_id", "secret", "name"), REFUSED.values(), ids=REFUSED.keys())
async def test_who_may_not(stack: Stack, key_id: str, secret: str | None, name: str) -> None:
    """AWS's own words for each, and nothing reaches the model."""
    runtime = signer(stack, key_id, secret)

    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(runtime.converse, modelId="haiku-support", **ASK)

    assert caught.value.response["Error"]["Code"] == name
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert not stack.asked()


async def test_a_revoked_key_signs_no_more(stack: Stack) -> None:
    """From the next reading of the configuration on."""
    runtime = signer(stack)
    await asyncio.to_thread(runtime.converse, modelId="haiku-support", **ASK)
    fresh = check(settings_for(stack.world, stack.url, server=SERVER, keys=KEYS[1:]), name="fresh")
    stack.gateway.publish(fresh)

    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        await asyncio.to_thread(runtime.converse, modelId="haiku-support", **ASK)


async def test_signatures_are_for_bedrock_s_protocol_alone(stack: Stack) -> None:
    """A signed request to another endpoint carries no key, and is told how to send one."""
    request = AWSRequest("POST", f"{stack.url}/v1/chat/completions", data=b"{}", headers={"Host": stack.url[7:]})
    SigV4Auth(Credentials(access_key_id("signer1"), secret_access_key(PEPPER, "signer1")), "bedrock", REGION).add_auth(request)
    async with httpx.AsyncClient() as http:
        reply = await http.post(request.url, content=b"{}", headers=dict(request.headers.items()))

    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("path", ["/bedrock//model//haiku-support/converse", "/bedrock/model/haiku-support/converse/"])
async def test_a_path_that_signers_fold(stack: Stack, path: str) -> None:
    """Signers sign the path without the slashes that are too many, and send it with them."""
    request = AWSRequest("POST", f"{stack.url}{path}", data=b'{"messages": [{"role": "user", "content": [{"text": "hi"}]}]}')
    request.headers["Host"] = stack.url[7:]
    SigV4Auth(Credentials(access_key_id("signer1"), secret_access_key(PEPPER, "signer1")), "bedrock", REGION).add_auth(request)
    async with httpx.AsyncClient() as http:
        reply = await http.post(request.url, content=request.data, headers=dict(request.headers.items()))

    assert reply.status_code == 200


async def test_a_stranger_s_body_is_not_waited_for(stack: Stack) -> None:
    """Whoever is not known is refused by the head alone: no megabytes are taken from a stranger."""
    host, port = stack.url[7:].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    credential = "Credential=qk_nobody/20261127/us-west-2/bedrock/aws4_request"
    writer.write(
        f"POST /bedrock/model/haiku-support/converse HTTP/1.1\r\nhost: {host}\r\ncontent-length: 900000\r\n"
        f"x-amz-date: {_now()}\r\nauthorization: AWS4-HMAC-SHA256 {credential.replace('20261127', _now()[:8])}, "
        "SignedHeaders=host;x-amz-date, Signature=00\r\n\r\n".encode()
    )
    line = await asyncio.wait_for(reader.readline(), 5)
    writer.close()

    assert b" 403 " in line


def _now() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


async def test_retries_are_signed_anew(stack: Stack) -> None:
    """botocore's standard mode tries again after a throttle, with a signature of its own each time."""
    stack.plant(faults.Throttle(times=1))
    runtime = signer(stack, retries={"mode": "standard", "total_max_attempts": 2})

    reply = await asyncio.to_thread(runtime.converse, modelId="haiku-support", **ASK)

    assert reply["ResponseMetadata"]["RetryAttempts"] == 1
