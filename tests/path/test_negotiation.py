"""An import that takes several bodies gets, for each request, the one that the request needs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sandbox.world import World
from gateway.settings import Route, Target
from tests.stack import Stack, stack_over

GPT_OSS = "arn:aws:bedrock:us-west-2:123456789012:imported-model/h8gpt0ss2020"
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Tell me about the harbour."}], "max_tokens": 30}
TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
async def stack(world: World) -> AsyncIterator[Stack]:
    """One import twice: its family found, and pinned to a completion."""
    models = {
        "found": Route(targets=(Target(arn=GPT_OSS),)),
        "pinned": Route(targets=(Target(arn=GPT_OSS, family="openai_completion"),)),
    }
    async with stack_over(world, models=models) as running:
        world.log.clear()
        yield running


async def test_a_chat_goes_as_a_chat(stack: Stack) -> None:
    """The model's own template is applied at AWS."""
    reply = await stack.client().chat.completions.create(model="found", **CHAT)

    assert reply.choices[0].message.content
    assert "messages" in stack.asked()[-1].body


async def test_a_raw_prompt_goes_as_a_completion(stack: Stack) -> None:
    """The same alias takes a prompt that is already written, untouched."""
    reply = await stack.client().completions.create(model="found", prompt="Once upon a time", max_tokens=30)

    assert reply.choices[0].text
    assert stack.asked()[-1].body["prompt"] == "Once upon a time"


async def test_tools_go_as_a_chat(stack: Stack) -> None:
    """What stands in the chat body alone is asked for there."""
    await stack.client().chat.completions.create(model="found", tools=[TOOL], **CHAT)

    assert stack.asked()[-1].body["tools"][0]["function"]["name"] == "now"


async def test_a_pinned_family_stays(stack: Stack) -> None:
    """A written family is the operator's word: a chat becomes its prompt, and no request changes that."""
    await stack.client().chat.completions.create(model="pinned", **CHAT)

    assert "messages" not in stack.asked()[-1].body
    assert "Tell me about the harbour." in stack.asked()[-1].body["prompt"]
