"""The control plane's client: every read against the sandbox over real sockets, and what AWS does instead of answering."""

import time
from time import monotonic

import pytest

from gateway.bedrock.client import Client
from gateway.bedrock.control import ATTEMPTS, Control, ReadFailed
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.facts import (
    CustomModel,
    Deployment,
    FoundationModel,
    ImportedModel,
    InferenceProfile,
    Throughput,
    unix_seconds,
)
from gateway.bedrock.signing import Credentials
from gateway.errors import DeadlineExceeded, UpstreamError, UpstreamRefused, UpstreamThrottled
from gateway.sandbox import faults
from gateway.sandbox.serve import running
from gateway.sandbox.world import World
from tests.gateway.bedrock.asking import KEYS, stalled
from tests.gateway.bedrock.upstream import serve, whole

SANDBOX = Credentials("sandbox", "sandbox")
IN_SANDBOX = "arn:aws:bedrock:us-west-2:123456789012:"


@pytest.fixture
async def world():
    return World()


@pytest.fixture
async def control_at(client):
    """A control plane at an address, that waits for nothing between attempts."""
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    def make(url, *, keys=SANDBOX, now=time.time, **source):
        made = Control(
            client,
            CredentialSource(keys=keys, environment={}, endpoint_urls={"sts": url}, **source),
            endpoint_urls={"bedrock": url},
            now=now,
            sleep=sleep,
        )
        made.waits = waits
        return made

    return make


@pytest.fixture
async def control(world, control_at):
    async with running(world) as url:
        yield control_at(url)


async def read(control, fact, identifier, *, seconds=20.0, **changes):
    return await control.read(fact, identifier, region="us-west-2", deadline=monotonic() + seconds, **changes)


async def failure(control, fact=Throughput, identifier=IN_SANDBOX + "provisioned-model/e5ha1ku3c1au", **changes):
    with pytest.raises(ReadFailed) as caught:
        await read(control, fact, identifier, **changes)
    return caught.value


@pytest.mark.parametrize(
    ("fact", "identifier", "expected"),
    [
        (
            Throughput,
            IN_SANDBOX + "provisioned-model/e5ha1ku3c1au",
            {
                "foundation_model_arn": "arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-3-haiku-20240307-v1:0:200k",
                "model_units": 1,
                "status": "InService",
            },
        ),
        (
            Deployment,
            IN_SANDBOX + "custom-model-deployment/g7n0va11t3dp",
            {"model_arn": IN_SANDBOX + "custom-model/amazon.nova-lite-v1:0:300k/g7n0va11t3dp", "status": "Active"},
        ),
        (
            CustomModel,
            IN_SANDBOX + "custom-model/amazon.nova-lite-v1:0:300k/g7n0va11t3dp",
            {
                "base_model_arn": "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0:300k",
                "model_status": "Active",
            },
        ),
        (ImportedModel, "mistral-import", {"model_architecture": "mistral", "instruct_supported": True}),
        (InferenceProfile, "us.amazon.nova-lite-v1:0", {"status": "ACTIVE"}),
        (FoundationModel, "amazon.nova-lite-v1:0", {}),
    ],
    ids=lambda value: getattr(value, "operation", None),
)
async def test_reads_what_aws_tells(control, world, fact, identifier, expected):
    """Each read asks its own operation, signed, by the whole identifier as one label, and finds its members."""
    found = await read(control, fact, identifier)

    assert {name: getattr(found, name) for name in expected} == expected
    assert [(record.operation, record.arn, record.status) for record in world.log] == [(fact.operation, identifier, 200)]


async def test_nested_members_are_found(control):
    """What stands deeper in a reply has its place too."""
    imported = await read(control, ImportedModel, "mistral-import")
    profile = await read(control, InferenceProfile, "us.amazon.nova-lite-v1:0")
    base = await read(control, FoundationModel, "amazon.nova-lite-v1:0")

    assert imported.model_data_source.s3.uri == "s3://quarry-sandbox/models/j0m1str41707/"
    assert imported.custom_model_units.per_copy == 1
    assert unix_seconds(imported.creation_time) == 1_740_821_400
    assert profile.models[0].model_arn.endswith("foundation-model/amazon.nova-lite-v1:0")
    assert base.model_details.model_lifecycle.status == "ACTIVE"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-11-11T00:00:00Z", 1_762_819_200),
        ("2025-11-11T00:00:00.123456789Z", 1_762_819_200),
        ("2025-11-11T01:00:00+01:00", 1_762_819_200),
        ("2025-11-11T00:00:00", 1_762_819_200),
        (1_762_819_200, 1_762_819_200),
        (1_762_819_200.9, 1_762_819_200),
        ("yesterday", None),
        (None, None),
        (True, None),
    ],
)
def test_moments_are_read_liberally(moment, expected):
    """ISO 8601 with or without zone and fractions, and seconds; what is neither is unknown, not an error."""
    assert unix_seconds(moment) == expected


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("AccessDeniedException", UpstreamRefused),
        ("ResourceNotFoundException", UpstreamRefused),
        ("UnrecognizedClientException", UpstreamRefused),
    ],
)
async def test_what_is_refused_is_not_asked_again(control, world, name, error):
    """One attempt; the failure says AWS's name and the action that IAM would have to allow."""
    world.faults.plant("no", faults.Error(name=name))

    told = await failure(control)

    assert (told.operation, told.name, type(told.error)) == ("GetProvisionedModelThroughput", name, error)
    assert len(list(world.log)) == 1


@pytest.mark.parametrize(
    "fault",
    [faults.Throttle(times=2), faults.Error(name="InternalServerException", times=2), faults.Reset(times=2)],
    ids=["throttled", "broken", "reset"],
)
async def test_what_may_pass_is_asked_again(control, world, fault):
    """Twice thwarted, the third attempt answers, with a wait before each."""
    world.faults.plant("no", fault)

    found = await read(control, Throughput, "haiku-support")

    assert found.status == "InService"
    assert len(control.waits) == 2


async def test_attempts_end(control, world):
    """A throttle that stays is told after a fixed number of attempts."""
    world.faults.plant("no", faults.Throttle())

    told = await failure(control)

    assert isinstance(told.error, UpstreamThrottled)
    assert len(list(world.log)) == ATTEMPTS


async def test_silence_ends_at_the_deadline(control_at):
    """An upstream that never answers costs no more than the deadline."""
    async with serve(stalled) as upstream:
        told = await failure(control_at(f"http://127.0.0.1:{upstream.port}"), seconds=0.1)

    assert isinstance(told.error, DeadlineExceeded)


async def test_nobody_there(control_at):
    """A refused connection is a failure of that read, with no name of AWS's."""
    told = await failure(control_at("http://127.0.0.1:1"))

    assert (told.name, type(told.error)) == ("", UpstreamError)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"status": 3}', b"\xff"])
async def test_an_answer_that_is_none(control_at, body):
    """A 200 that is not the fact asked for is a failure, whatever it is."""

    async def answer(visit):
        await visit.send(whole(body))

    async with serve(answer) as upstream:
        told = await failure(control_at(f"http://127.0.0.1:{upstream.port}"))

    assert told.operation == "GetProvisionedModelThroughput"


async def test_members_may_be_absent(control_at):
    """Recorded replies leave out what AWS's model requires; what is there still counts."""

    async def answer(visit):
        await visit.send(whole(b'{"status": "InService", "anotherMember": {"of": ["tomorrow"]}}'))

    async with serve(answer) as upstream:
        found = await read(control_at(f"http://127.0.0.1:{upstream.port}"), Throughput, "x")

    assert found == Throughput(status="InService")


async def test_the_request_as_it_leaves(control_at):
    """A GET without a body, the identifier encoded whole, signed for the service bedrock; the session token travels."""

    async def answer(visit):
        await visit.send(whole(b"{}"))

    async with serve(answer) as upstream:
        control = control_at(f"http://127.0.0.1:{upstream.port}", keys=KEYS)
        await read(control, Throughput, IN_SANDBOX + "provisioned-model/e5ha1ku3c1au")
        (visit,) = upstream.visits

    assert visit.head.startswith(
        b"GET /provisioned-model-throughput/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Aprovisioned-model%2Fe5ha1ku3c1au HTTP/1.1"
    )
    assert visit.body == b""
    assert "/us-west-2/bedrock/aws4_request" in visit.header("authorization")
    assert visit.header("x-amz-security-token") == "token"


async def test_a_wrong_clock_is_mended(world, control_at):
    """A signature refused for our clock's sake is made again by AWS's, once and for all later reads."""
    async with running(world) as url:
        control = control_at(url, now=lambda: time.time() - 3600)
        first, second = [await read(control, Throughput, "haiku-support") for _ in range(2)]

    assert first == second
    assert [record.status for record in world.log] == [403, 200, 200]


ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>of the role</SessionToken>
<Expiration>2036-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


async def test_a_role_asks_as_itself(control_at):
    """A target's role is assumed by the gateway's identity, and signs the read."""

    async def answer(visit):
        is_sts = visit.head.startswith(b"POST")
        await visit.send(whole(ASSUMED).replace(b"application/json", b"text/xml") if is_sts else whole(b"{}"))

    async with serve(answer) as upstream:
        control = control_at(f"http://127.0.0.1:{upstream.port}")
        await read(control, Throughput, "x", role_arn="arn:aws:iam::210987654321:role/quarry-invoke")
        sts, asked = upstream.visits

    assert "Credential=sandbox/" in sts.header("authorization")
    assert "Credential=AKIDROLE/" in asked.header("authorization")
    assert asked.header("x-amz-security-token") == "of the role"


async def test_a_role_that_is_refused(control_at):
    """Without credentials nothing is asked, and the failure is the read's."""

    async def answer(visit):
        await visit.send(
            whole(b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", status=b"403 Forbidden")
        )

    async with serve(answer) as upstream:
        control = control_at(f"http://127.0.0.1:{upstream.port}")
        told = await failure(control, role_arn="arn:aws:iam::210987654321:role/quarry-invoke")

    assert (told.name, type(told.error)) == ("", UpstreamRefused)
    assert all(visit.head.startswith(b"POST") for visit in upstream.visits)


async def test_a_bearer_token_goes_over_https_alone(control_at, good):
    """Over plain HTTP our keys sign; over HTTPS the token speaks, and nothing is signed."""

    async def answer(visit):
        await visit.send(whole(b"{}"))

    async with serve(answer) as plain, serve(answer, good.server()) as secured:
        await read(control_at(f"http://127.0.0.1:{plain.port}", bearer_token="t0ken"), Throughput, "x")
        trusting = Client(ca_bundle=str(good.path))
        source = CredentialSource(keys=SANDBOX, bearer_token="t0ken", environment={})
        await read(Control(trusting, source, endpoint_urls={"bedrock": f"https://127.0.0.1:{secured.port}"}), Throughput, "x")
        await trusting.aclose()

    assert plain.visits[0].header("authorization").startswith("AWS4-HMAC-SHA256 ")
    assert secured.visits[0].header("authorization") == "Bearer t0ken"
