"""Who signs: keys, tokens and roles, found once, renewed ahead of their expiry, never printed."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from gateway.bedrock.credentials import AHEAD_SECONDS, RETRY_SECONDS, CredentialSource, Renewed, from_environment
from gateway.bedrock.signing import Credentials
from gateway.errors import UpstreamRefused
from tests.gateway.bedrock.upstream import serve, whole

ROLE = "arn:aws:iam::210987654321:role/quarry-invoke"


class Clock:
    def __init__(self):
        self.seconds = 1_000_000.0

    def __call__(self):
        return self.seconds


class Giver:
    """A service that gives credentials which live for ``lifetime`` seconds, or fails."""

    def __init__(self, clock, lifetime):
        self.clock = clock
        self.lifetime = lifetime
        self.calls = 0
        self.works = True
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self):
        self.calls += 1
        number = self.calls
        await self.may_answer.wait()
        if not self.works:
            raise ConnectionError("the metadata service is down")
        return Credentials(f"AKID{number}", "secret", "token", self.clock() + self.lifetime)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """No credentials but what the test sets: neither the machine's files nor its environment's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


async def test_one_fetch_for_all(clock):
    """A hundred callers who come together wait for one fetch."""
    giver = Giver(clock, 3600)
    renewed = Renewed(giver, now=clock)
    assert renewed.current() is None

    given = await asyncio.gather(*(renewed.get() for _ in range(100)))

    assert {"AKID1"} == {credentials.access_key for credentials in given}
    assert giver.calls == 1


async def test_renewed_ahead(clock):
    """Credentials are renewed in the background before they expire; meanwhile the old ones are used without waiting."""
    giver = Giver(clock, 3600)
    renewed = Renewed(giver, now=clock)
    await renewed.get()
    clock.seconds += 3600 - AHEAD_SECONDS - 1
    assert renewed.current().access_key == "AKID1"
    await asyncio.sleep(0)
    assert giver.calls == 1

    clock.seconds += 2
    giver.may_answer.clear()
    held = [renewed.current().access_key for _ in range(10)]
    await asyncio.sleep(0)
    assert (held, giver.calls) == (["AKID1"] * 10, 2)

    giver.may_answer.set()
    await asyncio.sleep(0.01)
    assert renewed.current().access_key == "AKID2"


async def test_short_lives(clock):
    """Credentials that live less long than the usual margin are not renewed at every use."""
    giver = Giver(clock, 120)
    renewed = Renewed(giver, now=clock)
    await renewed.get()

    clock.seconds += 60
    renewed.current()
    await asyncio.sleep(0)
    assert giver.calls == 1

    clock.seconds += 30
    renewed.current()
    await asyncio.sleep(0)
    assert giver.calls == 2


async def test_service_is_down(clock):
    """While anything valid is left nobody notices, and the service is asked no more than every few seconds."""
    giver = Giver(clock, 120)
    renewed = Renewed(giver, now=clock)
    await renewed.get()
    giver.works = False
    clock.seconds += 81
    for _ in range(38):
        clock.seconds += 1
        assert renewed.current().access_key == "AKID1"
        await asyncio.sleep(0.001)
    assert giver.calls <= 2 + 38 / RETRY_SECONDS

    clock.seconds += 10
    with pytest.raises(UpstreamRefused) as caught:
        await renewed.get()
    assert "metadata service is down" in caught.value.detail
    assert "metadata" not in str(caught.value)
    calls = giver.calls
    for _ in range(20):
        with pytest.raises(UpstreamRefused):
            await renewed.get()
    assert calls == giver.calls

    giver.works = True
    clock.seconds += RETRY_SECONDS
    assert (await renewed.get()).access_key.startswith("AKID")


async def test_leaver_does_not_end_the_fetch(clock):
    """A caller who is cancelled while waiting does not take the others' credentials along."""
    giver = Giver(clock, 3600)
    giver.may_answer.clear()
    renewed = Renewed(giver, now=clock)
    leaver, stayer = (asyncio.create_task(renewed.get()) for _ in range(2))
    await asyncio.sleep(0.01)

    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    giver.may_answer.set()

    assert (await stayer).access_key == "AKID1"


async def test_aclose_ends_the_fetch(clock):
    """Nothing goes on renewing once it is closed."""
    giver = Giver(clock, 3600)
    giver.may_answer.clear()
    renewed = Renewed(giver, now=clock)
    waiting = asyncio.create_task(renewed.get())
    await asyncio.sleep(0.01)

    await renewed.aclose()

    (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"AWS_ACCESS_KEY_ID": "a"}, None),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, Credentials("a", "b")),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}, Credentials("a", "b", "c")),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CREDENTIAL_EXPIRATION": "2030-01-01T00:00:00Z"}, None),
    ],
)
def test_environment(environment, expected):
    """Both keys, or AWS's chain has to find them."""
    assert expected == from_environment(environment)


def test_no_botocore_for_keys_in_the_environment():
    """A process that has its keys in the environment never loads botocore."""
    program = (
        "import sys; from gateway.bedrock.runtime import Runtime; from gateway.bedrock.credentials import CredentialSource;"
        "assert CredentialSource().current().access_key == 'a';"
        "sys.exit(any(name.partition('.')[0] in {'botocore', 'aiobotocore', 'aiohttp'} for name in sys.modules))"
    )
    environment = os.environ | {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}

    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0


async def test_profile(alone, monkeypatch):
    """A profile of the shared files is found by AWS's own rules, and does not expire."""
    (alone / "credentials").write_text("[team]\naws_access_key_id = AKIDTEAM\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_PROFILE", "team")

    source = CredentialSource(environment={})

    assert source.current() is None
    assert Credentials("AKIDTEAM", "s") == await source.fetch()
    assert source.current().access_key == "AKIDTEAM"


async def test_nothing_anywhere(alone):
    """Without any credentials the caller hears that the gateway is to blame, the log why."""
    with pytest.raises(UpstreamRefused) as caught:
        await CredentialSource(environment={}).fetch()

    assert "holds no credentials" in caught.value.detail


def container(expires):
    given = {"AccessKeyId": "AKIDTASK", "SecretAccessKey": "s", "Token": "t", "Expiration": expires}

    async def answer(visit):
        await visit.send(whole(json.dumps(given).encode()))

    return answer


async def test_container(alone, monkeypatch):
    """A container's role is found at its endpoint, and its expiry is known."""
    async with serve(container("2030-01-01T00:00:00Z")) as upstream:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{upstream.port}/role")
        source = CredentialSource(environment={})

        expected = Credentials("AKIDTASK", "s", "t", datetime(2030, 1, 1, tzinfo=UTC).timestamp())
        assert expected == await source.fetch()
        assert len(upstream.visits) == 1


ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>rs</SecretAccessKey><SessionToken>rt</SessionToken>
<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
DENIED = """<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>
<Message>User: arn:aws:iam::123456789012:user/x is not authorized</Message></Error></ErrorResponse>"""


async def test_role(alone):
    """A target's role is assumed once, with the gateway's own keys, at the endpoint given for STS."""

    async def answer(visit):
        await visit.send(whole(ASSUMED.encode()).replace(b"application/json", b"text/xml"))

    async with serve(answer) as upstream:
        source = CredentialSource(
            keys=Credentials("AKIDOWN", "s"), endpoint_urls={"sts": f"http://127.0.0.1:{upstream.port}"}, environment={}
        )
        assert source.current(ROLE) is None
        assumed = await asyncio.gather(*(source.fetch(ROLE) for _ in range(5)))

        expected = Credentials("ASIAROLE", "rs", "rt", datetime(2030, 1, 1, tzinfo=UTC).timestamp())
        assert {expected} == set(assumed)
        assert source.current().access_key == "AKIDOWN"
        (visit,) = upstream.visits
        asked = parse_qs(visit.body.decode())
        assert (asked["Action"], asked["RoleArn"], asked["RoleSessionName"]) == (["AssumeRole"], [ROLE], ["quarry"])
        assert "AKIDOWN/" in visit.header("authorization")
        await source.aclose()


@pytest.mark.parametrize("status", [b"403 Forbidden", b"500 Internal Server Error"])
async def test_role_refused(alone, status):
    """STS is asked once, not five times; its words go to the log."""

    async def answer(visit):
        await visit.send(whole(DENIED.encode(), status=status))

    async with serve(answer) as upstream:
        source = CredentialSource(
            keys=Credentials("AKIDOWN", "s"), endpoint_urls={"sts": f"http://127.0.0.1:{upstream.port}"}, environment={}
        )
        with pytest.raises(UpstreamRefused) as caught:
            await source.fetch(ROLE)

        assert len(upstream.visits) == 1
        assert "not authorized" in caught.value.detail
        assert "arn:" not in str(caught.value)
