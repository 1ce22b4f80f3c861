"""A model that cannot think, asked to: the refusal names what the caller has written, whichever protocol it speaks."""

from typing import Any

import httpx
import pytest

from gateway.sandbox import faults
from tests.stack import Stack

MESSAGE: dict[str, Any] = {"model": "haiku-support", "max_tokens": 4000, "messages": [{"role": "user", "content": "Hi"}]}
CONVERSE: dict[str, Any] = {
    "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
    "inferenceConfig": {"maxTokens": 4000},
}
BUDGET = {"type": "enabled", "budget_tokens": 1024}
FIELDS = "additionalModelRequestFields"

ASKS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a budget": ("/v1/messages", MESSAGE | {"thinking": BUDGET}, "leave thinking out"),
    "an effort": ("/v1/messages", MESSAGE | {"output_config": {"effort": "low"}}, "leave output_config.effort out"),
    "as the model likes": (
        "/v1/messages",
        MESSAGE | {"thinking": {"type": "adaptive"}},
        'leave output_config.effort out (thinking of type \\"adaptive\\" asks for it)',
    ),
    **{
        f"converse, {name}": (
            "/bedrock/model/haiku-support/converse",
            CONVERSE | {FIELDS: {name: value}},
            f"leave {FIELDS}.{name} out",
        )
        for name, value in (("thinking", BUDGET), ("reasoning_config", BUDGET), ("reasoning_effort", "low"))
    },
    "chat": (
        "/v1/chat/completions",
        {"model": "haiku-support", "messages": MESSAGE["messages"], "max_tokens": 4000, "reasoning_effort": "low"},
        "leave reasoning_effort out",
    ),
}


@pytest.mark.parametrize(("path", "body", "says"), ASKS.values(), ids=ASKS.keys())
async def test_a_model_that_cannot_think(stack: Stack, path: str, body: dict[str, Any], says: str) -> None:
    """A 400 with the caller's own field."""
    stack.plant(faults.Error(name="ValidationException", message="Malformed: extraneous key [thinking] is not permitted"))
    async with httpx.AsyncClient(base_url=stack.url, headers=stack.headers) as http:
        reply = await http.post(path, json=body)

    assert reply.status_code == 400
    assert f"This model cannot think aloud: {says}" in reply.text


async def test_a_parameter_is_spelled_once(stack: Stack) -> None:
    """By the name that was sent."""
    async with httpx.AsyncClient(base_url=stack.url, headers=stack.headers) as http:
        for name, value in (("top_k", 5), ("topK", 5), ("seed", 1)):
            reply = await http.post("/bedrock/model/titan-support/converse", json=CONVERSE | {FIELDS: {name: value}})
            if name != "seed":  # which changes no answer enough to be refused
                assert reply.json()["message"].startswith(f"{FIELDS}.{name} is not supported")
