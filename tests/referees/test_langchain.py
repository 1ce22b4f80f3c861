"""LangChain's ChatOpenAI, pointed at the gateway and told nothing else about it."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel

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


ENDPOINTS = pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])


@ENDPOINTS
@pytest.mark.parametrize("alias", ["titan-support", "llama3-support", "haiku-support", "gpt-oss-import"])
async def test_invoke(stack: Stack, alias: str, responses: bool) -> None:
    """A message with text, a reason and the upstream's own counts."""
    message = await chat(stack, alias, use_responses_api=responses).ainvoke(CONVERSATION)

    (record,) = stack.asked()
    assert message.content
    ended = message.response_metadata["status" if responses else "finish_reason"]
    assert ended in {"stop", "length", "completed", "incomplete"}
    assert message.usage_metadata["input_tokens"] == record.input_tokens
    assert message.usage_metadata["output_tokens"] == record.output_tokens


@ENDPOINTS
async def test_stream(stack: Stack, responses: bool) -> None:
    """The chunks add up to the whole reply, usage included."""
    model = chat(stack, "haiku-support", stream_usage=True, use_responses_api=responses)
    whole = await model.ainvoke(CONVERSATION)

    total = AIMessageChunk("")
    async for chunk in model.astream(CONVERSATION):
        total += chunk

    assert total.text == whole.text
    assert total.usage_metadata["output_tokens"] == whole.usage_metadata["output_tokens"]
    assert total.response_metadata.get("finish_reason") == (None if responses else "stop")


@ENDPOINTS
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_bind_tools(stack: Stack, stream: bool, responses: bool) -> None:
    """A bound tool is called with its arguments, and its result taken back."""
    model = chat(stack, "haiku-support", use_responses_api=responses).bind_tools([get_weather])
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


class Answer(BaseModel):
    """What is wanted."""

    answer: str


@ENDPOINTS
async def test_structured_output(stack: Stack, responses: bool) -> None:
    """A pydantic model goes out as a schema, and comes back as the model."""
    model = chat(stack, "gpt-oss-import", use_responses_api=responses).with_structured_output(Answer, method="json_schema")

    assert isinstance(await model.ainvoke(CONVERSATION), Answer)


async def test_completions(stack: Stack) -> None:
    """LangChain's legacy model: prompts in a batch, whole and streamed."""
    model = OpenAI(model="llama3-support", base_url=f"{stack.url}/v1", api_key=SECRET, max_retries=0, max_tokens=20)
    stack.exits.push_async_callback(model.async_client._client.close)  # it closes neither by itself
    stack.exits.callback(model.client._client.close)

    generated = await model.agenerate(["Tell me about the harbour.", "And about the weather?"])
    streamed = "".join([piece async for piece in model.astream("Tell me about the harbour.")])

    assert [bool(texts[0].text) for texts in generated.generations] == [True, True]
    assert generated.llm_output["token_usage"]["total_tokens"] > 0
    assert streamed == generated.generations[0][0].text
