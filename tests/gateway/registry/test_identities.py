"""Cards are asked for once, remembered, and asked for again only when told to."""

import asyncio

import pytest
from msgspec.structs import replace

from gateway.bedrock.client import Client
from gateway.bedrock.control import Control
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.signing import Credentials
from gateway.registry.card import Card, Subject, Unidentified
from gateway.registry.identities import REFUSED_SECONDS, Change, Identities
from gateway.sandbox import faults
from gateway.sandbox.models import Shelf
from gateway.sandbox.serve import running

REGION = "us-west-2"
HERE = f"arn:aws:bedrock:{REGION}:123456789012:"
HAIKU = Subject(HERE + "provisioned-model/e5ha1ku3c1au", "provisioned-model", REGION)
TITAN = Subject(HERE + "provisioned-model/a1t1t4n0e5p1", "provisioned-model", REGION)
NOBODY = Subject(HERE + "provisioned-model/000000000000", "provisioned-model", REGION)


class Clock:
    seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def identities(world, clock):
    client = Client()
    source = CredentialSource(keys=Credentials("sandbox", "sandbox"), environment={})
    async with running(world) as url:
        made = Identities(Control(client, source, endpoint_urls={"bedrock": url}), families={"claude", "titan"}, now=clock)
        yield made
        await made.aclose()
        await client.aclose()


def asked(world):
    return [record.arn for record in world.log]


def changed(world, name, **changes):
    """The account, with one model otherwise."""
    entries = [replace(model, **changes) if model.name == name else model for model in world.shelf.entries]
    world.shelf = Shelf(entries, REGION)


def without(world, name):
    world.shelf = Shelf([model for model in world.shelf.entries if model.name != name], REGION)


async def test_a_card_says_its_family(identities):
    """The facts, with the family that they decide among those that there are."""
    card = await identities.card(HAIKU, seconds=20)

    assert (card.family, card.base_model) == ("claude", "anthropic.claude-3-haiku-20240307-v1:0")


async def test_twenty_who_ask_together_ask_once(identities, world):
    """One flight for all, and no further one for those who come later."""
    together = await asyncio.gather(*(identities.card(HAIKU, seconds=20) for _ in range(20)))
    later = await identities.card(HAIKU, seconds=20)

    assert {*together, later} == {identities.known(HAIKU)}
    assert asked(world) == [HAIKU.arn]


async def test_who_leaves_takes_nobodys_answer_along(identities, world):
    """The flight goes on for the others when the first who asked is cancelled."""
    first = asyncio.create_task(identities.card(HAIKU, seconds=20))
    await asyncio.sleep(0)
    second = asyncio.create_task(identities.card(HAIKU, seconds=20))
    await asyncio.sleep(0)
    first.cancel()

    assert isinstance(await second, Card)
    assert asked(world) == [HAIKU.arn]


async def test_a_refusal_is_remembered_for_a_moment(identities, world, clock):
    """Asked again at once, AWS is not; after the moment it is."""
    first = await identities.card(NOBODY, seconds=20)
    clock.seconds += REFUSED_SECONDS - 1
    second = await identities.card(NOBODY, seconds=20)
    clock.seconds += 1
    third = await identities.card(NOBODY, seconds=20)

    assert first == second == third == Unidentified("knows no such provisioned-model in us-west-2", gone=True)
    assert asked(world) == [NOBODY.arn] * 2


async def test_several_come_together(identities, world):
    """Each subject once, cards and refusals side by side, within one deadline."""
    found = await identities.cards([HAIKU, TITAN, NOBODY, HAIKU], seconds=20)

    assert [type(found[subject]) for subject in (HAIKU, TITAN, NOBODY)] == [Card, Card, Unidentified]
    assert sorted(asked(world)) == sorted([HAIKU.arn, TITAN.arn, NOBODY.arn])


async def test_what_does_not_come_in_time(identities, world):
    """A control plane that hangs costs the deadline, and is said to."""
    world.faults.plant("hang", faults.SlowFirstToken(seconds=60))

    assert await identities.card(HAIKU, seconds=0.2) == Unidentified(
        "did not answer in time (GetProvisionedModelThroughput in us-west-2)"
    )


async def test_a_refresh_tells_what_changed_once(identities, world):
    """A new status is told with both cards, is known from then on, and not told again."""
    before = await identities.card(HAIKU, seconds=20)
    await identities.card(TITAN, seconds=20)
    changed(world, "haiku-support", status="Updating")

    first, second = [await identities.refresh([HAIKU, TITAN]) for _ in range(2)]

    assert first == [Change(HAIKU, before, replace(before, status="Updating"))]
    assert second == []
    assert identities.known(HAIKU).status == "Updating"


async def test_a_refresh_loses_no_card(identities, world):
    """What was deleted is told, once, and its card stays; what comes back is told too."""
    card = await identities.card(HAIKU, seconds=20)
    shelf = world.shelf
    without(world, "haiku-support")

    first, second = [await identities.refresh([HAIKU]) for _ in range(2)]
    kept = identities.known(HAIKU)
    world.shelf = shelf
    third = await identities.refresh([HAIKU])

    assert first == [Change(HAIKU, card, Unidentified("knows no such provisioned-model in us-west-2", gone=True))]
    assert second == []
    assert kept == card
    assert third == [Change(HAIKU, card, card)]


async def test_a_refresh_asks_only_what_is_in_use(identities, world):
    """What left the configuration is forgotten; what was never identified is not asked about."""
    await identities.cards([HAIKU, TITAN], seconds=20)
    before = len(asked(world))

    await identities.refresh([HAIKU, NOBODY])

    assert asked(world)[before:] == [HAIKU.arn]
    assert identities.known(TITAN) is None
