"""LangChain's Bedrock classes, pointed at the gateway and told which base model an alias is made of."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_aws import BedrockLLM, ChatBedrock, ChatBedrockConverse
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from tests.referees.bedrock.calls import REGION, collect_sockets
from tests.stack import Stack

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
CONVERSATION = [SystemMessage("You help the guests of a hotel."), HumanMessage("Tell me about the harbour.")]


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"18 degrees and sunny in {city}"


@pytest.fixture(autouse=True)
def _tidy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is sent to LangSmith from a test, and the sockets that LangChain leaves open are collected here."""
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    yield
    collect_sockets()


def converse(stack: Stack, alias: str, base: str, **more: Any) -> ChatBedrockConverse:
    url = f"{stack.url}/bedrock"
    made_of = {"base_model": base, "provider": base.partition(".")[0]}  # it decides by them what it may ask for
    return ChatBedrockConverse(model=alias, endpoint_url=url, region_name=REGION, max_tokens=60, **made_of, **more)


@pytest.mark.parametrize(("alias", "base"), [("haiku-support", HAIKU), ("llama3-support", "meta.llama3-1-8b-instruct-v1:0")])
async def test_converse(stack: Stack, alias: str, base: str) -> None:
    """A message with text and the upstream's own counts; its chunks add up to the same."""
    model = converse(stack, alias, base)
    whole = await model.ainvoke(CONVERSATION)
    total = AIMessageChunk("")
    async for chunk in model.astream(CONVERSATION):
        total += chunk

    record = stack.asked()[0]
    assert whole.text
    assert whole.usage_metadata["input_tokens"] == record.input_tokens
    assert whole.usage_metadata["output_tokens"] == record.output_tokens
    assert total.text == whole.text
    assert total.usage_metadata["output_tokens"] == record.output_tokens


async def test_converse_with_tools(stack: Stack) -> None:
    """The call, its result, and the answer to it."""
    model = converse(stack, "haiku-support", HAIKU).bind_tools([get_weather], tool_choice="any")
    question = HumanMessage("What is the weather in Lisbon?")
    asked = await model.ainvoke([question])
    (call,) = asked.tool_calls
    told = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
    answer = await converse(stack, "haiku-support", HAIKU).bind_tools([get_weather]).ainvoke([question, asked, told])

    assert call["name"] == "get_weather"
    assert answer.text


async def test_native_chat(stack: Stack) -> None:
    """ChatBedrock writes Claude's body itself: it is handed on, whole and streamed."""
    model = ChatBedrock(
        model="haiku-support",
        provider="anthropic",
        endpoint_url=f"{stack.url}/bedrock",
        region=REGION,
        model_kwargs={"max_tokens": 60},
    )
    whole = await model.ainvoke(CONVERSATION)
    text = "".join([chunk.text async for chunk in model.astream(CONVERSATION)])

    assert whole.text == text
    assert {record.operation for record in stack.asked()} == {"InvokeModel", "InvokeModelWithResponseStream"}


async def test_native_text(stack: Stack) -> None:
    """BedrockLLM writes a prompt's body itself."""
    model = BedrockLLM(
        model="llama2-support",
        provider="meta",
        endpoint_url=f"{stack.url}/bedrock",
        region=REGION,
        model_kwargs={"max_gen_len": 60},
    )
    whole = await asyncio.to_thread(model.invoke, "Count to 12")
    text = await asyncio.to_thread(lambda: "".join(model.stream("Count to 12")))

    assert whole.strip() == text.strip() != ""
    assert [record.operation for record in stack.asked()] == ["InvokeModel", "InvokeModelWithResponseStream"]
