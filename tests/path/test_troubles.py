"""What the caller sees when the upstream fails: before the first byte its true status, after it an event and no [DONE]."""

import json
import time

import httpx
import openai
import pytest

from gateway.sandbox import faults
from gateway.sandbox.world import World
from gateway.settings import ColdStart, Route, Target, Timeouts
from tests.stack import Stack, stack_over

ASK = {"model": "haiku-support", "messages": [{"role": "user", "content": "Tell me about the harbour."}], "max_tokens": 60}

REFUSALS = [
    (faults.Throttle(), openai.RateLimitError, 429, "upstream_throttled"),
    (faults.Error(name="ServiceUnavailableException"), openai.InternalServerError, 502, "upstream_error"),
    (faults.Error(name="InternalServerException"), openai.InternalServerError, 502, "upstream_error"),
    (faults.Error(name="ModelErrorException", original_status_code=500), openai.InternalServerError, 502, "upstream_error"),
    (faults.Error(name="ModelTimeoutException"), openai.InternalServerError, 504, "deadline_exceeded"),
    (faults.Error(name="AccessDeniedException"), openai.InternalServerError, 502, "upstream_error"),
    (faults.Error(name="ResourceNotFoundException"), openai.InternalServerError, 502, "upstream_error"),
    (faults.Error(name="ServiceQuotaExceededException"), openai.InternalServerError, 502, "upstream_error"),
    (
        faults.Error(name="ValidationException", message="Malformed input request: 2 schema violations found."),
        openai.BadRequestError,
        400,
        None,
    ),
    (
        faults.Error(name="ValidationException", message="Input is too long for requested model."),
        openai.BadRequestError,
        400,
        "context_length_exceeded",
    ),
    (faults.Coral200(), openai.InternalServerError, 502, "upstream_error"),
    (faults.Reset(), openai.InternalServerError, 502, "upstream_error"),
    (faults.CommitThenDrop(), openai.InternalServerError, 502, "upstream_error"),
]


def _name(value: object) -> str | None:
    if isinstance(value, faults.Error):
        return value.name + (f" {value.message[:8]}" if value.message else "")
    return type(value).__name__ if isinstance(value, faults.Fault) else None


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("fault", "error", "status", "code"), REFUSALS, ids=_name)
async def test_before_the_first_byte_the_status_is_true(
    stack: Stack, fault: faults.Fault, error: type[openai.APIStatusError], status: int, code: str | None, stream: bool
) -> None:
    """Each AWS failure is the SDK's own typed error, with our code and no word of AWS's (traps 9, 11, 35, 36)."""
    stack.plant(fault)

    with pytest.raises(error) as caught:
        await stack.client().chat.completions.create(**ASK, stream=stream)

    assert caught.value.status_code == status
    assert caught.value.code == code
    assert "arn:" not in caught.value.message
    assert "123456789012" not in caught.value.message
    assert caught.value.request_id == stack.lines()[0]["request_id"]


async def test_a_cold_model_at_the_end_of_patience(world: World) -> None:
    """503 ``model_not_ready`` with a ``retry-after``; the target is not called broken."""
    world.warmth.cool(world.shelf.entries[7].arn)
    qwen = next(model for model in world.shelf.entries if model.name == "qwen-import")
    sleepy = Route(targets=(Target(arn=qwen.arn, family=qwen.family, cold_start=ColdStart(patience_seconds=0.1), name="sleepy"),))
    async with stack_over(world, models={"sleepy": sleepy}) as stack:
        stack.plant(faults.NotReady())
        with pytest.raises(openai.InternalServerError) as caught:
            await stack.client().chat.completions.create(**ASK | {"model": "sleepy"})

        assert caught.value.status_code == 503
        assert caught.value.code == "model_not_ready"


async def test_the_deadline_is_the_whole_requests(world: World) -> None:
    """``timeouts.total_seconds`` ends a request that the model keeps waiting: 504 ``deadline_exceeded``."""
    target = world.shelf.entries[4]
    short = Route(
        targets=(Target(arn=target.arn, family=target.family, name="slow"),),
        timeouts=Timeouts(total_seconds=0.3, first_token_seconds=60),
    )
    async with stack_over(world, models={"slow": short}) as stack:
        stack.plant(faults.SlowFirstToken(seconds=30))
        began = time.monotonic()
        with pytest.raises(openai.InternalServerError) as caught:
            await stack.client().chat.completions.create(**ASK | {"model": "slow"})

        assert caught.value.status_code == 504
        assert caught.value.code == "deadline_exceeded"
        assert time.monotonic() - began < 10


WOUNDS = [
    faults.CloseWithoutEnd(after_chunks=4),
    faults.CutMidFrame(after_chunks=4),
    faults.CutMidFrame(after_chunks=4, clean=False),
    faults.BadCrc(after_chunks=4),
    faults.ExceptionFrame(after_chunks=4),
    faults.ExceptionFrame(after_chunks=4, name="throttlingException"),
    faults.ExceptionFrame(after_chunks=4, name="validationException"),
    faults.ExceptionFrame(after_chunks=4, name="serviceUnavailableException"),
    faults.ExceptionFrame(after_chunks=4, name="modelTimeoutException"),
    faults.ExceptionFrame(after_chunks=4, name="internalServerException"),
]


@pytest.mark.parametrize(
    "alias",
    [
        "haiku-support",
        "llama3-support",
        "titan-support",
        "gpt-oss-import",
        "command-light-support",
        "nova-lite-support",
        "haiku-converse",
        "mistral-import",
        "mistral-large",
        "command-r",
    ],
)
@pytest.mark.parametrize("fault", WOUNDS, ids=lambda fault: f"{type(fault).__name__} {getattr(fault, 'name', '')}".strip())
async def test_after_the_first_byte_an_error_is_an_event(
    stack: Stack, http: httpx.AsyncClient, fault: faults.Fault, alias: str
) -> None:
    """One error event, then the end: no finish_reason, no [DONE], and the SDK raises (traps 8, 10; U5, U6, U10)."""
    stack.plant(fault)
    ask = ASK | {"model": alias, "stream": True}

    reply = await http.post("/v1/chat/completions", json=ask)
    with pytest.raises(openai.APIError):
        async for _ in await stack.client().chat.completions.create(**ask):
            pass

    events = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    assert reply.status_code == 200
    assert "[DONE]" not in reply.text
    assert set(json.loads(events[-1])) == {"error"}
    assert [event for event in events if "error" in json.loads(event)] == events[-1:]
    assert all(choice["finish_reason"] is None for event in events[:-1] for choice in json.loads(event)["choices"])
    assert [line["outcome"] for line in stack.lines()] == ["cut", "cut"]
    assert len(stack.asked()) == 2  # nothing was asked again


async def test_bytes_split_anywhere_are_the_same_reply(stack: Stack) -> None:
    """A drip of seven bytes at a time changes nothing."""
    client = stack.client()
    whole = await client.chat.completions.create(**ASK)
    stack.plant(faults.Drip(body_bytes=7))

    chunks = [chunk async for chunk in await client.chat.completions.create(**ASK, stream=True)]
    again = await client.chat.completions.create(**ASK)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    assert again.choices[0].message == whole.choices[0].message


async def test_a_stalled_stream_ends(world: World) -> None:
    """Silence in the middle longer than ``between_bytes_seconds`` is an error event, not a hang (U8)."""
    target = world.shelf.entries[4]
    brief = Route(
        targets=(Target(arn=target.arn, family=target.family, name="brief"),), timeouts=Timeouts(between_bytes_seconds=0.2)
    )
    async with stack_over(world, models={"brief": brief}) as stack:
        stack.plant(faults.Stall(after_chunks=4, seconds=60))
        with pytest.raises(openai.APIError):
            async for _ in await stack.client().chat.completions.create(**ASK | {"model": "brief"}, stream=True):
                pass

        assert stack.lines()[0]["error"] == "upstream_timeout"


def two_targets(world: World, **route: object) -> Route:
    """Claude first, then Llama."""
    claude, llama = world.shelf.entries[4], world.shelf.entries[3]
    return Route(
        targets=(
            Target(arn=claude.arn, family=claude.family, name="first", priority=0),
            Target(arn=llama.arn, family=llama.family, name="second", priority=1),
        ),
        **route,
    )


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_next_target_answers_when_the_first_cannot(world: World, stream: bool) -> None:
    """Failover before the first byte is invisible but for two headers, and each family gets its own body."""
    async with stack_over(world, models={"both": two_targets(world)}) as stack:
        stack.plant(faults.Throttle(match=faults.Match(arn=world.shelf.entries[4].arn)))
        raw = await stack.client().chat.completions.with_raw_response.create(**ASK | {"model": "both"}, stream=stream)

        assert raw.headers["x-quarry-target"] == "second"
        assert raw.headers["x-quarry-attempts"] == "2"
        assert "messages" in stack.asked()[0].body
        assert "prompt" in stack.asked()[1].body
        assert stack.metric("quarry_upstream_errors_total", target="first", error="throttled") == 1


async def test_nothing_is_tried_again_after_the_first_byte(world: World) -> None:
    """A stream that broke half way is not continued by another model (trap 38)."""
    async with stack_over(world, models={"both": two_targets(world)}) as stack:
        stack.plant(faults.ExceptionFrame(after_chunks=5))
        with pytest.raises(openai.APIError):
            async for _ in await stack.client().chat.completions.create(**ASK | {"model": "both"}, stream=True):
                pass

        assert len(stack.asked()) == 1


async def test_a_fallback_alias_is_the_last_resort(world: World) -> None:
    """Only the aliases that the configuration names, only on failure before the first byte."""
    claude = world.shelf.entries[4]
    route = Route(targets=(Target(arn=claude.arn, family=claude.family, name="only"),), fallbacks=("llama3-support",))
    async with stack_over(world, models={"main": route}) as stack:
        stack.plant(faults.Error(name="InternalServerException", match=faults.Match(arn=claude.arn)))
        raw = await stack.client().chat.completions.with_raw_response.create(**ASK | {"model": "main"})

        assert raw.headers["x-quarry-target"] == "llama3-support"
        assert raw.parse().model == "main"
