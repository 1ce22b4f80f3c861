"""A native body on its way: untouched both ways, and still counted, routed, and never passed off as whole when it is not."""

import json
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from botocore.eventstream import EventStreamBuffer, EventStreamMessage

from gateway.sandbox import faults
from gateway.sandbox.serve import running
from gateway.sandbox.world import World
from gateway.settings import ColdStart, Route, Target, Timeouts
from tests.referees.sandbox.calls import BODIES
from tests.stack import SECRET, Stack, stack_over

ALIASES = ["titan-support", "command-light-support", "llama2-support", "llama3-support", "haiku-support", "gpt-oss-import"]
CLAUDE, LLAMA = 4, 3  # places on the sandbox's shelf


@pytest.fixture
async def sandbox(world: World) -> AsyncIterator[str]:
    """A way to the same world around the gateway."""
    async with running(world) as url:
        yield url


def path_of(alias: str, *, stream: bool) -> str:
    return f"/bedrock/model/{quote(alias, safe='')}/invoke{'-with-response-stream' if stream else ''}"


async def direct(url: str, world: World, alias: str, body: bytes, *, stream: bool) -> httpx.Response:
    path = path_of(world.shelf.find(alias).arn, stream=stream).removeprefix("/bedrock")
    async with httpx.AsyncClient(headers={"authorization": "Bearer any"}) as http:
        return await http.post(url + path, content=body)


def native(alias: str) -> bytes:
    """A body as nobody would write it twice: what is made of it anew is not it."""
    return json.dumps(BODIES[alias], indent=3).encode()


def own(headers: httpx.Headers) -> dict[str, str]:
    """The headers that are the model's."""
    return {name: value for name, value in headers.items() if re.match(r"content-type|x-amzn-bedrock-", name)}


def frames(data: bytes) -> list[EventStreamMessage]:
    """Every frame, as botocore reads it."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return list(buffer)


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_nothing_is_touched(http: httpx.AsyncClient, world: World, sandbox: str, alias: str, stream: bool) -> None:
    """Body, frames and the model's headers are, byte for byte, what the model sends to whoever asks it directly."""
    through = await http.post(path_of(alias, stream=stream), content=native(alias))
    around = await direct(sandbox, world, alias, native(alias), stream=stream)

    assert through.status_code == around.status_code == 200
    assert through.content == around.content
    assert own(through.headers) == own(around.headers)
    assert next(record.body for record in world.log) == BODIES[alias]


async def test_a_drip_is_the_same_bytes(http: httpx.AsyncClient, stack: Stack, world: World, sandbox: str) -> None:
    """However the upstream's bytes are cut, whole frames leave, and all of them."""
    around = await direct(sandbox, world, "haiku-support", native("haiku-support"), stream=True)
    stack.plant(faults.Drip(body_bytes=7))

    through = await http.post(path_of("haiku-support", stream=True), content=native("haiku-support"))

    assert through.content == around.content


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_usage_is_counted(http: httpx.AsyncClient, stack: Stack, alias: str, stream: bool) -> None:
    """The record has the upstream's own counts, whichever way they came, and why the model ended."""
    await http.post(path_of(alias, stream=stream), content=native(alias))

    (line,), (record,) = stack.lines(), stack.asked()
    assert line["outcome"] == "complete"
    assert line["usage_source"] in {"body", "headers", "metrics"}
    assert (line["input_tokens"], line["output_tokens"]) == (record.input_tokens, record.output_tokens)
    assert line["finish_reasons"]
    assert line.get("stream", False) is stream


WOUNDS = [
    faults.CloseWithoutEnd(after_chunks=4),
    faults.CutMidFrame(after_chunks=4),
    faults.CutMidFrame(after_chunks=4, clean=False),
    faults.BadCrc(after_chunks=4),
    faults.ExceptionFrame(after_chunks=4),
    faults.ExceptionFrame(after_chunks=4, name="throttlingException"),
    faults.ExceptionFrame(after_chunks=4, name="modelTimeoutException"),
]


@pytest.mark.parametrize("alias", ["haiku-support", "llama3-support", "titan-support", "gpt-oss-import"])
@pytest.mark.parametrize("fault", WOUNDS, ids=lambda fault: f"{type(fault).__name__} {getattr(fault, 'name', '')}".strip())
async def test_a_broken_stream_is_not_passed_off_as_whole(
    http: httpx.AsyncClient, stack: Stack, world: World, sandbox: str, fault: faults.Fault, alias: str
) -> None:
    """The frames that came whole, then an exception frame in our words, then nothing; what was generated is accounted."""
    around = await direct(sandbox, world, alias, native(alias), stream=True)
    stack.plant(fault)

    through = await http.post(path_of(alias, stream=True), content=native(alias))

    *events, last = frames(through.content)
    assert through.status_code == 200
    assert len(events) == 4
    assert around.content.startswith(through.content[: -last.prelude.total_length])
    assert last.headers[":message-type"] == "exception"
    assert last.headers[":exception-type"] in {
        "internalServerException",
        "modelStreamErrorException",
        "modelTimeoutException",
        "throttlingException",
    }
    assert set(json.loads(last.payload)) == {"message"}
    (line,) = stack.lines()
    assert line["outcome"] == "cut"
    assert line["output_tokens"] > 0


async def test_before_the_first_frame_the_status_is_true(http: httpx.AsyncClient, stack: Stack) -> None:
    """A stream that breaks before its first frame is an error with a status, not a 200."""
    stack.plant(faults.BadCrc(after_chunks=0))

    reply = await http.post(path_of("haiku-support", stream=True), content=native("haiku-support"))

    assert reply.status_code == 500
    assert reply.headers["x-amzn-errortype"] == "InternalServerException"
    assert reply.headers.get_list("content-type") == ["application/json"]
    assert stack.lines()[0]["outcome"] == "failed"


def routed(world: World, *places: int, **more: Any) -> Route:
    """A route over these models of the shelf, each of a priority of its own."""
    entries = [world.shelf.entries[place] for place in places]
    targets = [
        Target(arn=entry.arn, family=entry.family, name=f"target-{number}", priority=number)
        for number, entry in enumerate(entries)
    ]
    return Route(targets=tuple(targets), **more)


async def test_only_targets_of_the_body_s_family_are_asked(world: World) -> None:
    """A Claude body never reaches a Llama: neither the alias's own target nor a fallback's; fallbacks of Claude serve."""
    models = {
        "mixed": routed(world, CLAUDE, LLAMA, fallbacks=("llama3-support", "haiku-support")),
    }
    async with stack_over(world, models=models) as stack, httpx.AsyncClient(headers=stack.headers) as http:
        stack.plant(faults.Throttle(times=1))
        served = await http.post(f"{stack.url}{path_of('mixed', stream=False)}", content=native("haiku-support"))
        stack.plant(faults.Throttle())
        refused = await http.post(f"{stack.url}{path_of('mixed', stream=False)}", content=native("haiku-support"))

        asked = {record.arn for record in stack.asked()}
    assert served.status_code == 200
    assert (served.headers["x-quarry-target"], served.headers["x-quarry-attempts"]) == ("haiku-support", "2")
    assert (refused.status_code, refused.headers["x-amzn-errortype"]) == (429, "ThrottlingException")
    assert asked == {world.shelf.entries[CLAUDE].arn}


async def test_a_cold_model_is_waited_for(world: World) -> None:
    """A native body is held for a cold import as a chat is, and the reply says for how long."""
    qwen = world.shelf.find("qwen-import")
    route = Route(targets=(Target(arn=qwen.arn, family=qwen.family, cold_start=ColdStart(patience_seconds=20), name="sleepy"),))
    async with stack_over(world, models={"sleepy": route}) as stack, httpx.AsyncClient(headers=stack.headers, timeout=30) as http:
        body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 20}).encode()
        reply = await http.post(f"{stack.url}{path_of('sleepy', stream=False)}", content=body)

    assert reply.status_code == 200
    assert float(reply.headers["x-quarry-cold-start-seconds"]) > 0


async def test_the_alias_s_defaults_do_not_apply(world: World) -> None:
    """A native body says everything itself: what an alias adds to chats is not put into it."""
    models = {"tuned": routed(world, CLAUDE, defaults={"max_tokens": 7, "temperature": 0.5})}
    async with stack_over(world, models=models) as stack, httpx.AsyncClient(headers=stack.headers) as http:
        await http.post(f"{stack.url}{path_of('tuned', stream=False)}", content=native("haiku-support"))

        assert stack.asked()[0].body == BODIES["haiku-support"]


async def test_the_deadline_is_the_route_s(world: World) -> None:
    """``timeouts.total_seconds`` ends a relayed request, too, by an error that SDKs do not repeat."""
    models = {"slow": routed(world, CLAUDE, timeouts=Timeouts(total_seconds=0.3, first_token_seconds=60))}
    async with stack_over(world, models=models) as stack, httpx.AsyncClient(headers=stack.headers) as http:
        stack.plant(faults.SlowFirstToken(seconds=30))
        reply = await http.post(f"{stack.url}{path_of('slow', stream=False)}", content=native("haiku-support"))

    assert (reply.status_code, reply.headers["x-amzn-errortype"]) == (408, "ModelTimeoutException")


async def test_a_body_of_another_language_is_handed_on_all_the_same(http: httpx.AsyncClient, stack: Stack) -> None:
    """The gateway judges no field of a native body: what the model refuses is the model's refusal."""
    reply = await http.post(path_of("haiku-support", stream=False), json={"prompt": "hi", "newer_field": 1})

    assert (reply.status_code, reply.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert stack.asked()[0].body == {"prompt": "hi", "newer_field": 1}
    assert "#" not in reply.json()["message"]


SENT = {
    "x-amzn-bedrock-guardrailidentifier": "n8guardra1l0",
    "x-amzn-bedrock-guardrailversion": "DRAFT",
    "x-amzn-bedrock-performanceconfig-latency": "standard",
    "x-amzn-bedrock-request-metadata": '{"team":  "search"}',
    "x-amzn-bedrock-service-tier": "default",
    "x-amzn-bedrock-trace": "ENABLED",
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_bedrock_s_own_headers_go_on(http: httpx.AsyncClient, stack: Stack, stream: bool) -> None:
    """They are signed and sent with the body; the caller's key, cookies and everything else stay here."""
    accept = "x-amzn-bedrock-accept" if stream else "accept"
    own = SENT | {accept: "application/json", "content-type": "application/json"}
    reply = await http.post(
        path_of("haiku-support", stream=stream), content=native("haiku-support"), headers=own | {"cookie": "a=b"}
    )

    (record,) = stack.asked()
    sent = dict(record.headers)
    assert reply.status_code == 200
    assert own | {"x-amzn-bedrock-request-metadata": '{"team": "search"}'} == {name: sent[name] for name in own}
    assert not {"cookie", "x-api-key", "x-request-id"} & set(sent)
    assert SECRET not in str(sent)


REFUSED = {
    "one that nobody knows": {"x-amzn-bedrock-newer": "1"},
    "one that is no plain text": {"x-amzn-bedrock-request-metadata": "caf\u00e9".encode("latin-1")},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED.keys())
async def test_a_header_is_never_dropped_in_silence(http: httpx.AsyncClient, stack: Stack, headers: dict[str, Any]) -> None:
    """One of Bedrock's that does not go on is a refusal that names it."""
    reply = await http.post(path_of("haiku-support", stream=False), content=native("haiku-support"), headers=headers)

    assert (reply.status_code, reply.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert next(iter(headers)) in reply.json()["message"]
    assert not stack.asked()


async def leave(stack: Stack, path: str, body: bytes, *, after_bytes: int) -> float:
    """Ask, read some of the reply, close the socket; when that was, on the monotonic clock all processes share."""
    async with httpx.AsyncClient(base_url=stack.url, headers={"authorization": f"Bearer {SECRET}"}, timeout=30) as client:
        async with client.stream("POST", path, content=body) as reply:
            seen = 0
            async for piece in reply.aiter_raw():
                seen += len(piece)
                if seen >= after_bytes:
                    break
        return time.monotonic()


@pytest.mark.parametrize("operation", ["invoke-with-response-stream", "converse-stream"])
async def test_leaving_a_stream_closes_the_upstream(stack: Stack, within: Callable[..., Any], operation: str) -> None:
    """Half way through a paced stream: closed within 100 ms, counted as gone, the tokens so far in the record."""
    stack.world.pace = 20
    converse = json.dumps({"messages": [{"role": "user", "content": [{"text": "Tell me about the harbour."}]}]}).encode()
    body = native("haiku-support") if operation.startswith("invoke") else converse

    left_at = await leave(stack, f"/bedrock/model/haiku-support/{operation}", body, after_bytes=1500)

    record = await within(lambda: (found := stack.asked()[0]).client_closed_at and found)
    assert record.client_closed_at - left_at < 0.1
    line = (await within(stack.lines))[0]
    assert line["outcome"] == "client_gone"
    assert line["output_tokens"] > 0
    assert stack.metric("quarry_in_flight_requests", target="haiku-support") == 0
