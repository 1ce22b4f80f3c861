"""Open families are found before a configuration is served, and what changes later is told and followed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.app import create, upstream
from gateway.configuration import Configuration, SettingsError, check
from gateway.identification import Upkeep, identified
from gateway.sandbox import faults
from gateway.sandbox.models import Model, Shelf, foundation_arn
from gateway.sandbox.world import World
from gateway.settings import Aws, Identify, Route, Target
from tests.stack import Stack, settings_for, stack_over

HAIKU = "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/e5ha1ku3c1au"
NOVA = "arn:aws:bedrock:us-west-2:123456789012:custom-model-deployment/g7n0va11t3dp"
OPEN = {"found": Route(targets=(Target(arn=HAIKU),)), "deployed": Route(targets=(Target(arn=NOVA),))}


@pytest.fixture
async def stack(world: World) -> AsyncIterator[Stack]:
    """A gateway with two aliases more, whose families are left open."""
    async with stack_over(world, models=OPEN) as running:
        world.log.clear()
        yield running


def upkeep(stack: Stack) -> Upkeep:
    gateway = stack.gateway
    return Upkeep(
        gateway.identities,
        current=lambda: gateway.state.configuration,
        publish=gateway.publish,
        log=gateway.log,
        metrics=gateway.metrics,
    )


def change(world: World, name: str, **changes: Any) -> None:
    """The account, with one model otherwise."""
    world.shelf = Shelf(
        [replace(model, **changes) if model.name == name else model for model in world.shelf.entries], world.region
    )


def remove(world: World, name: str) -> None:
    world.shelf = Shelf([model for model in world.shelf.entries if model.name != name], world.region)


def model(world: World, name: str) -> Model:
    return next(model for model in world.shelf.entries if model.name == name)


async def test_what_is_written_is_not_asked_about(world: World) -> None:
    """A configuration without open families is served as it is, and AWS is asked nothing."""
    async with stack_over(world) as stack:
        assert stack.asked() == []
        assert stack.gateway.metrics.target_states == {}


async def test_an_open_family_is_served(stack: Stack) -> None:
    """The alias answers like one whose family is written."""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "Tell me about the harbour."}], "max_tokens": 40}

    found = await stack.client().chat.completions.create(model="found", **body)
    written = await stack.client().chat.completions.create(model="haiku-support", **body)

    assert found.choices == written.choices
    assert stack.metric("quarry_target_state", target="found", state="in_service") == 1
    assert stack.metric("quarry_target_state", target="titan-support", state="in_service") == 0


async def test_an_open_configuration_is_never_served(world: World) -> None:
    """Whoever forgets to ask cannot start."""
    settings = settings_for(world, "http://127.0.0.1:1", models=OPEN)

    with pytest.raises(ValueError, match=r"families are still open: models\.found\.targets\[0\]\.family"):
        create(check(settings, name="test"), log=None)  # type: ignore[arg-type] - it stops before it needs one


async def test_all_that_aws_does_not_tell_comes_at_once(stack: Stack) -> None:
    """Every target's own problem, in one refusal, within the configured time."""
    gone = HAIKU[:-12] + "000000000000"
    targets = (Target(arn=gone), Target(arn=HAIKU, region=None))
    settings = replace(stack.gateway.state.configuration.settings, models={"a": Route(targets=targets), "b": OPEN["deployed"]})
    stack.plant(faults.Error(name="AccessDeniedException", match=faults.Match(operation="GetCustomModelDeployment")))
    configuration = check(settings, name="test")
    aws = upstream(configuration, {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"})

    with pytest.raises(SettingsError) as caught:
        await identified(configuration, aws.identities)
    await aws.aclose()

    assert [problem.path for problem in caught.value.problems] == ["models.a.targets[0].family", "models.b.targets[0].family"]


async def test_the_deadline_is_for_all_together(world: World) -> None:
    """A control plane that hangs costs the configured seconds, not seconds per target."""
    world.faults.plant("hang", faults.SlowFirstToken(seconds=60, match=faults.Match(operation="Get*")))
    many = {f"a{number}": OPEN["found"] for number in range(30)} | {"b": OPEN["deployed"]}
    async with stack_over(world) as stack:
        urls = dict(stack.gateway.state.configuration.settings.aws.endpoint_urls)
        aws_settings = Aws(region=world.region, endpoint_urls=urls, identify=Identify(deadline_seconds=0.3))  # type: ignore[arg-type] - the names are the file's own
        configuration = check(settings_for(world, "", aws=aws_settings, models=many), name="test")
        aws = upstream(configuration, {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"})
        async with asyncio.timeout(10):
            with pytest.raises(SettingsError) as caught:
                await identified(configuration, aws.identities)
        await aws.aclose()

    assert len(caught.value.problems) == 31
    assert all("AWS did not answer in time" in problem.message for problem in caught.value.problems)


async def test_a_status_that_changes_is_told_once(stack: Stack) -> None:
    """One line with both cards and no ARN, and the state in the metrics; a further look says nothing new."""
    change(stack.world, "haiku-support", status="Updating")

    await upkeep(stack).refresh()
    await upkeep(stack).refresh()

    (line,) = stack.lines("target_changed")
    assert line["targets"] == ["haiku-support", "found"]  # one thing, two aliases
    assert (line["was"]["status"], line["now"]["status"]) == ("InService", "Updating")
    assert "arn:" not in str(line)
    assert stack.metric("quarry_target_state", target="found", state="updating") == 1
    assert stack.metric("quarry_target_state", target="found", state="in_service") == 0


async def test_what_was_deleted_is_told_and_still_asked(stack: Stack) -> None:
    """The alias stays; whether it answers is its requests' business."""
    remove(stack.world, "haiku-support")

    await upkeep(stack).refresh()

    (line,) = stack.lines("target_changed")
    assert line["now"] == {"why": "AWS knows no such provisioned-model in us-west-2"}
    assert stack.metric("quarry_target_state", target="found", state="deleted") == 1
    assert "found" in stack.gateway.registry.snapshot.routes


async def test_a_control_plane_that_is_away_changes_nothing(stack: Stack) -> None:
    """A refusal is told, the state of the last look stays, and so does the family."""
    stack.plant(faults.Error(name="AccessDeniedException"))

    await upkeep(stack).refresh()

    assert {line["targets"][-1] for line in stack.lines("target_changed")} == {"found", "deployed"}
    assert stack.metric("quarry_target_state", target="found", state="in_service") == 1
    assert stack.gateway.registry.snapshot.routes["found"].targets[0].family == "claude"


async def test_a_deployment_of_another_base_is_followed(stack: Stack) -> None:
    """Re-pointed to a custom model of another base, the deployment is asked in that one's words."""
    llama = model(stack.world, "llama3-70b-support")
    change(stack.world, "nova-lite-support", base=llama.base, family=llama.family, custom_model_arn=llama.custom_model_arn)

    await upkeep(stack).refresh()
    reply = await stack.client().chat.completions.create(
        model="deployed", messages=[{"role": "user", "content": "Tell me about the harbour."}], max_tokens=40
    )

    assert stack.gateway.registry.snapshot.routes["deployed"].targets[0].family == "llama3"
    assert reply.choices[0].message.content
    assert "prompt" in stack.asked()[-1].body


async def test_a_base_that_no_family_speaks_is_not_followed(stack: Stack) -> None:
    """What runs is kept, and the log says why."""
    nova = model(stack.world, "nova-lite-support")
    strange = replace(nova.base, model_id="vendor.unheard-of-v1:0")
    arn = foundation_arn(strange, "us-west-2").replace("::foundation-model", ":123456789012:custom-model") + "/g7n0va11t3dp"
    change(stack.world, "nova-lite-support", base=strange, custom_model_arn=arn)

    await upkeep(stack).refresh()

    (line,) = stack.lines("reload_refused")
    assert "its base model is vendor.unheard-of-v1:0, of which no family is known" in line["problems"][0]
    assert stack.gateway.registry.snapshot.routes["deployed"].targets[0].family == "nova"


async def test_only_what_was_found_is_asked_about_again(stack: Stack) -> None:
    """Targets whose family is written cost no call, now or ever."""
    await upkeep(stack).refresh()

    assert {record.arn for record in stack.asked() if record.operation != "GetCustomModel"} == {HAIKU, NOVA}


class Stop(Exception):
    """Ends a loop that has no end."""


async def test_the_rounds_are_spread(stack: Stack) -> None:
    """Between two rounds lies the interval, give or take a fifth; a round that fails does not end the rounds."""
    waits: list[float] = []
    dice = iter([0.0, 1.0, 0.5])
    gateway = stack.gateway
    broken = Upkeep(gateway.identities, current=nothing, publish=gateway.publish, log=gateway.log, metrics=gateway.metrics)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise Stop

    with pytest.raises(Stop):
        await broken.run(100, sleep=sleep, random=lambda: next(dice))

    assert waits == pytest.approx([80, 120, 100])
    assert [line["exception"].split(" ")[0] for line in stack.lines("refresh_failed")] == ["ZeroDivisionError"] * 2


def nothing() -> Configuration:
    raise ZeroDivisionError


async def test_an_interval_of_nothing_is_never(stack: Stack) -> None:
    """0 seconds switches the background off."""
    await upkeep(stack).run(0)

    assert stack.asked() == []
