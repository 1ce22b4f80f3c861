"""docs/chat.md is held to its word: its bounds against a gateway process, its tables against the code, its clock against the path."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.configuration import check
from gateway.errors import ModelNotReady
from gateway.registry.model import ColdStart, Route, Target
from gateway.routing.attempts import Attempts
from gateway.settings import decode
from tests.docs import tables
from tests.docs.pages import Block, blocks, check_table, listening

PAGE = Path("docs/chat.md")
TEXT = PAGE.read_text()
SANDBOX = {"authorization": "Bearer sandbox"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A `quarry serve --sandbox` of this page's own."""
    with listening("--sandbox") as event:
        yield event["url"]


@pytest.mark.parametrize("block", blocks(PAGE, "yaml"))
def test_configurations_have_no_problem(block: Block) -> None:
    """What can be copied from the page is accepted, without a warning."""
    key = f"keys: [{{name: backend, hash: 'sha256:{'0' * 64}'}}]\n"
    settings, problems = decode((block.text + key).encode(), {})

    assert check(settings, name="page", problems=problems).warnings == ()


def nested(levels: int) -> dict[str, Any]:
    """A JSON Schema that is so many objects deep."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


def tool(name: str, **parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


HELLO = {"role": "user", "content": "Hello"}
ORPHAN = {"role": "tool", "tool_call_id": "call_1", "content": "4"}
REMOTE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}]}
BEYOND = [
    pytest.param({"n": 9}, "n", id="n"),
    pytest.param({"stop": ["a", "b", "c", "d", "e"]}, "stop", id="stop"),
    pytest.param({"stop": [""]}, "stop[0]", id="empty stop"),
    pytest.param({"messages": []}, "messages", id="no messages"),
    pytest.param({"messages": [{"role": "assistant", "content": "Hi"}]}, "messages[0]", id="assistant first"),
    pytest.param({"messages": [HELLO, ORPHAN]}, "messages[1].tool_call_id", id="tool result"),
    pytest.param({"messages": [REMOTE]}, "messages[0].content[0].image_url.url", id="remote image"),
    pytest.param({"tools": [tool("a b")]}, "tools[0].function.name", id="function's name"),
    pytest.param({"tools": [tool("a"), tool("a")]}, "tools[1].function.name", id="function twice"),
    pytest.param({"tools": [tool("a", **nested(64))]}, "tools[0].function.parameters", id="depth"),
    pytest.param({"temperature": 2.1}, "temperature", id="OpenAI's own range"),
    pytest.param({"reasoning_effort": "low"}, "reasoning_effort", id="unsupported"),
    pytest.param({"colour": "red"}, "colour", id="unknown"),
]


@pytest.mark.parametrize(("change", "parameter"), BEYOND)
def test_what_is_beyond_the_bounds_is_refused(change: dict[str, Any], parameter: str, url: str) -> None:
    """Each bound that the page states is a 400 that names the field."""
    body = {"model": "haiku-support", "messages": [HELLO]} | change
    reply = httpx.post(f"{url}/v1/chat/completions", json=body, headers=SANDBOX)

    assert (reply.status_code, reply.json()["error"]["param"]) == (400, parameter), reply.text


def test_what_is_within_the_bounds_is_answered(url: str) -> None:
    """The same bounds, just reached."""
    most = {"n": 8, "stop": ["a", "b", "c", "d"], "tools": [tool("a", **nested(58))]}
    reply = httpx.post(f"{url}/v1/chat/completions", json={"model": "haiku-support", "messages": [HELLO]} | most, headers=SANDBOX)

    assert len(reply.json()["choices"]) == 8


def test_the_table_of_errors_is_current() -> None:
    """One row for each class, with what the official client does; QUARRY_REWRITE=1 writes it anew."""
    check_table(PAGE, "errors", tables.errors())


class Clock:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def asked_of_a_cold_model(*, ready_at: float, patience: float) -> tuple[list[float], Any]:
    """When a model that is ready at that second is asked, and the attempts."""
    clock = Clock()
    target = Target("t", "arn", "us-east-1", "imported-model", "llama3", cold_start=ColdStart(patience_seconds=patience))
    attempts = Attempts([Route("a", (target,))], deadline=600, now=clock.now, sleep=clock.sleep, random=lambda: 0.0)
    asked = []
    with contextlib.suppress(ModelNotReady):
        async for attempt in attempts:
            asked.append(clock.seconds)
            with attempt:
                if clock.seconds < ready_at:
                    raise ModelNotReady("not yet")
    return asked, attempts


async def test_the_clock_of_the_cold_model_is_right() -> None:
    """The worked example's moments and attempts are those of ``routing.attempts``."""
    asked, attempts = await asked_of_a_cold_model(ready_at=90, patience=300)
    impatient, _ = await asked_of_a_cold_model(ready_at=90, patience=60)

    rows = re.findall(r"^\| 12:(\d\d):(\d\d) \|.*?attempt (\d+)", TEXT, re.MULTILINE)
    assert [(int(minutes) * 60 + int(seconds), int(number)) for minutes, seconds, number in rows] == [
        (asked[number - 1], number) for number in (1, 2, len(asked))
    ]
    assert f"`x-quarry-attempts: {len(asked)}`" in TEXT
    assert f"`x-quarry-cold-start-seconds: {attempts.cold_start_seconds:.1f}`" in TEXT
    assert (len(impatient), impatient[-1]) == (9, 55)
    assert "the 9th, at 12:00:55" in " ".join(TEXT.split())
