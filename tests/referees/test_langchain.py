"""LangChain's ChatOpenAI, pointed at the gateway and told nothing else about it."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from tests.stack import SECRET, Stack

CONVERSATION = [SystemMessage("You help the guests of a hotel."), HumanMessage("Tell me about the harbour.")]


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"18 degrees and sunny in {city}"


def chat(stack: Stack, model: str, **more: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=f"{stack.url}/v1", api_key=SECRET, max_retries=0, max_tokens=60, **more)


@pytest.fixture(autouse=True)
def no_tracing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is sent to LangSmith from a test."""
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    return


@pytest.mark.parametrize("alias", ["titan-support", "llama3-support", "haiku-support", "gpt-oss-import"])
async def test_invoke(stack: Stack, alias: str) -> None:
    """A message with text, a reason and the upstream's own counts."""
    message = await chat(stack, alias).ainvoke(CONVERSATION)

    (record,) = stack.asked()
    assert message.content
    assert message.response_metadata["finish_reason"] in {"stop", "length"}
    assert message.usage_metadata["input_tokens"] == record.input_tokens
    assert message.usage_metadata["output_tokens"] == record.output_tokens


async def test_stream(stack: Stack) -> None:
    """The chunks add up to the whole reply, usage included."""
    model = chat(stack, "haiku-support", stream_usage=True)
    whole = await model.ainvoke(CONVERSATION)

    total = AIMessageChunk("")
    async for chunk in model.astream(CONVERSATION):
        total += chunk

    assert total.content == whole.content
    assert total.usage_metadata["output_tokens"] == whole.usage_metadata["output_tokens"]
    assert total.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_bind_tools(stack: Stack, stream: bool) -> None:
    """A bound tool is called with its arguments, and its result taken back."""
    model = chat(stack, "haiku-support").bind_tools([get_weather])
    asked: list[Any] = [HumanMessage("What is the weather in Lisbon?")]
    if stream:
        said = AIMessageChunk("")
        async for chunk in model.astream(asked):
            said += chunk
    else:
        said = await model.ainvoke(asked)

    (call,) = said.tool_calls
    result = await get_weather.ainvoke(call["args"])
    final = await model.ainvoke([*asked, said, ToolMessage(result, tool_call_id=call["id"])])

    assert (call["name"], call["args"]) == ("get_weather", {"city": "Lisbon"})
    assert final.content
