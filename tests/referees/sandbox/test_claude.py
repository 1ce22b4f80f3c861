"""Anthropic's own client for Bedrock judges the sandbox's newer Claudes: it must not tell them from AWS's."""

from collections.abc import Callable
from typing import Any

import anthropic
import pytest

SONNET = "anthropic.claude-3-7-sonnet-20250219-v1:0"
SONNET_4_5 = "anthropic.claude-sonnet-4-5-20250929-v1:0"
CLOCK: Any = {
    "name": "get_time",
    "description": "The time in a zone.",
    "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    "cache_control": {"type": "ephemeral"},
}
QUESTION: Any = {"role": "user", "content": "Get the time in zone UTC"}
# The version of AWS's user guide; the client's own default is newer than what the guide names (2.14.0, read 2026-11-27).
VERSION = {"anthropic_version": "bedrock-2023-05-31"}
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}


@pytest.fixture
def client(url: str) -> anthropic.AnthropicBedrock:
    return anthropic.AnthropicBedrock(
        base_url=url, aws_access_key="sandbox", aws_secret_key="sandbox", aws_region="us-west-2", max_retries=0
    )


def whole(client: anthropic.AnthropicBedrock, **fields: Any) -> anthropic.types.Message:
    return client.messages.create(**fields, extra_body=VERSION)


def streamed(client: anthropic.AnthropicBedrock, **fields: Any) -> anthropic.types.Message:
    with client.messages.stream(**fields, extra_body=VERSION) as stream:
        return stream.get_final_message()


@pytest.mark.parametrize("ask", [whole, streamed])
@pytest.mark.parametrize("model", [SONNET, SONNET_4_5])
def test_thoughts_there_and_back(client: anthropic.AnthropicBedrock, model: str, ask: Callable[..., Any]) -> None:
    """The client's own blocks, sent back as it read them, are taken for the model's thoughts."""
    fields = {"model": model, "max_tokens": 4000, "thinking": THINKING, "tools": [CLOCK]}
    first = ask(client, messages=[QUESTION], **fields)
    result = {"type": "tool_result", "tool_use_id": first.content[-1].id, "content": "Noon", "is_error": False}
    turns = [QUESTION, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    last = ask(client, messages=turns, **fields)

    assert [block.type for block in first.content] == ["thinking", "tool_use"]
    assert first.stop_reason == "tool_use"
    assert [block.type for block in last.content] == ["thinking", "text"]
    assert "Noon" in last.content[-1].text


@pytest.mark.parametrize("ask", [whole, streamed])
def test_a_changed_thought_is_refused(client: anthropic.AnthropicBedrock, ask: Callable[..., Any]) -> None:
    """Its seal is not that of the text any more."""
    first = ask(client, model=SONNET, max_tokens=4000, thinking=THINKING, messages=[QUESTION])
    changed = [first.content[0].model_copy(update={"thinking": "Something else."}), *first.content[1:]]
    turns = [QUESTION, {"role": "assistant", "content": changed}, QUESTION]
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block"):
        ask(client, model=SONNET, max_tokens=4000, thinking=THINKING, messages=turns)


def test_an_answer_held_to_a_schema(client: anthropic.AnthropicBedrock) -> None:
    """``output_config.format`` makes text of the schema, on the model that has it."""
    schema = {
        "type": "object",
        "properties": {"room": {"type": "integer"}},
        "required": ["room"],
        "additionalProperties": False,
    }
    fields: Any = {
        "max_tokens": 200,
        "messages": [{"role": "user", "content": "Who sleeps in room 614?"}],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    }
    reply = whole(client, model=SONNET_4_5, **fields)

    assert reply.content[0].text == '{"room": 614}'
    with pytest.raises(anthropic.BadRequestError, match="output_config"):
        whole(client, model=SONNET, **fields)
