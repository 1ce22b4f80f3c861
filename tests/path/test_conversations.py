"""Conversations as applications keep them, and streams as proxies pass them on, through the whole path of every family."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adapters import FAMILIES
from gateway.sandbox.models import models
from gateway.sandbox.world import World
from tests.stack import SECRET
from tests.threaded import serving

ALIASES = {model.name: FAMILIES[model.asked_as] for model in models() if model.asked_as in FAMILIES}
CALLING = [alias for alias, family in ALIASES.items() if "tools" in family.accepts]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in ("get_weather", "get_time")]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        serving(World(warm_after_seconds=0.1)) as url,
        httpx.Client(base_url=f"{url}/v1", headers={"authorization": f"Bearer {SECRET}"}, timeout=30) as made,
    ):
        yield made


def said(client: httpx.Client, alias: str, messages: list[Any], **more: Any) -> Any:
    """The message that answers these."""
    reply = client.post("/chat/completions", json={"model": alias, "messages": messages, "max_completion_tokens": 200, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()["choices"][0]["message"]


def parts(*texts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in texts]


@pytest.mark.parametrize("alias", ALIASES)
def test_roles_in_any_order(client: httpx.Client, alias: str) -> None:
    """Traps 17 and 18: developer and system, as text and as parts, and neighbours of one role, reach every family."""
    message = said(
        client,
        alias,
        [
            {"role": "developer", "content": parts("You help the guests", " of a hotel.")},
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "user", "content": parts("Are you there?")},
            {"role": "assistant", "content": "Yes."},
            {"role": "assistant", "content": parts("How can I help?")},
            {"role": "user", "content": "Count to 3"},
        ],
    )

    assert message["content"].strip() == "1, 2, 3."


def called(number: int, name: str, city: str) -> dict[str, Any]:
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps({"city": city})}}


ROUND: list[Any] = [
    {"role": "user", "content": "What is the weather in Lisbon, and what time is it?"},
    {"role": "assistant", "content": None, "tool_calls": [called(0, "get_weather", "Lisbon"), called(1, "get_time", "Lisbon")]},
    {"role": "tool", "tool_call_id": "call_0", "content": "18 degrees, and no JSON"},
    {"role": "tool", "tool_call_id": "call_1", "content": parts('{"hour":', " 14}")},
]
NEXT = [*ROUND, {"role": "assistant", "content": "18 degrees, at two."}, {"role": "user", "content": "Count to 3"}]


@pytest.mark.parametrize("alias", CALLING)
def test_a_round_of_two_calls(client: httpx.Client, alias: str) -> None:
    """Traps 18, 21 and 22: null beside two calls, both results after them, as text and as parts, JSON or not."""
    message = said(client, alias, ROUND, tools=TOOLS)

    assert message["content"]
    assert "tool_calls" not in message


@pytest.mark.parametrize("alias", CALLING)
def test_no_call_where_none_is_allowed(client: httpx.Client, alias: str) -> None:
    """Trap 23: the tools are there for the history's sake, and none is called, however well it would fit."""
    message = said(
        client, alias, [{"role": "user", "content": "What is the weather in Lisbon?"}], tools=TOOLS, tool_choice="none"
    )
    later = said(client, alias, NEXT, tools=TOOLS, tool_choice="none")

    assert "tool_calls" not in message
    assert later["content"].strip() == "1, 2, 3."


@pytest.mark.parametrize("alias", CALLING)
def test_calls_in_the_history_of_a_request_without_tools(client: httpx.Client, alias: str) -> None:
    """Trap 24: the conversation goes on without them."""
    assert said(client, alias, NEXT)["content"].strip() == "1, 2, 3."


STREAMS = {
    "/chat/completions": {"messages": [{"role": "user", "content": "Say: Grüße aus 東京 🙂"}]},
    "/completions": {"prompt": "Say: Grüße aus 東京 🙂"},
    "/responses": {"input": "Say: Grüße aus 東京 🙂"},
    "/messages": {"messages": [{"role": "user", "content": "Say: Grüße aus 東京 🙂"}], "max_tokens": 50},
}


@pytest.mark.parametrize(("path", "body"), STREAMS.items(), ids=STREAMS)
def test_a_stream_is_for_nobody_to_gather(client: httpx.Client, path: str, body: dict[str, Any]) -> None:
    """Trap 40: no proxy may hold, keep or compress it, no gzip for whoever would take one, and every event is whole UTF-8."""
    headers = {"accept-encoding": "gzip, br"}
    with client.stream("POST", path, json={"model": "llama3-support", "stream": True, **body}, headers=headers) as reply:
        events = b"".join(reply.iter_raw()).split(b"\n\n")

    assert reply.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in reply.headers
    assert "content-length" not in reply.headers
    assert "no-cache" in reply.headers["cache-control"]
    assert reply.headers["x-accel-buffering"] == "no"
    assert events.pop() == b""
    assert all(
        line.startswith((b"data: ", b"event: ", b": ")) for event in events for line in event.decode().encode().split(b"\n")
    )


@pytest.mark.parametrize("alias", ALIASES)
def test_a_conversation_that_ends_with_the_assistant(client: httpx.Client, alias: str) -> None:
    """It is answered or refused by its place where the body has no way to carry on a turn."""
    asked = {
        "model": alias,
        "messages": [{"role": "user", "content": "Count to 5"}, {"role": "assistant", "content": "1, 2, "}],
    }
    reply = client.post("/chat/completions", json=asked)

    if reply.status_code != 200:
        assert ALIASES[alias].name in {"cohere_chat", "mistral_chat"}
        assert reply.json()["error"]["param"].startswith("messages")
