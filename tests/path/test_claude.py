"""Claude through the whole path, as the official client sees it: answers held to a schema, and thoughts there and back."""

import json
from collections.abc import Callable
from typing import Any

import openai
import pydantic
import pytest

from tests.stack import Stack

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ANSWER: list[Any] = [{"role": "user", "content": "The guest Ann Lee, 7 years old, sleeps in room 614. Who sleeps there?"}]
THINKERS = ["sonnet-3-7", "sonnet-4-5"]
CLAUDES = ["haiku-support", *THINKERS]


class Guest(pydantic.BaseModel):
    """What the SDK turns into a strict schema."""

    name: str
    room: int


GUEST: Any = {"type": "json_schema", "json_schema": {"name": "g", "schema": Guest.model_json_schema(), "strict": True}}


async def parsed(client: openai.AsyncOpenAI, **fields: Any) -> Any:
    return await client.chat.completions.parse(response_format=Guest, **fields)


async def streamed(client: openai.AsyncOpenAI, **fields: Any) -> Any:
    async with client.chat.completions.stream(response_format=Guest, **fields) as stream:
        return await stream.get_final_completion()


async def whole(client: openai.AsyncOpenAI, **fields: Any) -> Any:
    return await client.chat.completions.create(**fields)


async def gathered(client: openai.AsyncOpenAI, **fields: Any) -> Any:
    async with client.chat.completions.stream(**fields) as stream:
        return await stream.get_final_completion()


each_claude = pytest.mark.parametrize("alias", CLAUDES)
each_thinker = pytest.mark.parametrize("alias", THINKERS)
parsing = pytest.mark.parametrize("ask", [parsed, streamed], ids=["whole", "streamed"])
asking = pytest.mark.parametrize("ask", [whole, gathered], ids=["whole", "streamed"])
Ask = Callable[..., Any]


@each_claude
@parsing
async def test_an_answer_held_to_a_schema(stack: Stack, alias: str, ask: Ask) -> None:
    """Trap 15: the SDK parses its own class out of the content; no tool shows, and the reply ends with ``stop``."""
    reply = await ask(stack.client(), model=alias, messages=ANSWER, max_tokens=200)
    (choice,) = reply.choices

    assert choice.message.parsed.room == 614
    assert choice.finish_reason == "stop"
    assert not choice.message.tool_calls
    assert ("tools" in stack.asked()[0].body) == (alias != "sonnet-4-5")


@each_claude
@parsing
async def test_a_schema_and_tools(stack: Stack, alias: str, ask: Ask) -> None:
    """Trap 16: the caller's tool is called first, untouched and unforced; with its result in hand the model answers by schema."""
    client, fields = stack.client(), {"model": alias, "max_tokens": 200, "tools": [openai.pydantic_function_tool(Weather)]}
    asked: list[Any] = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    first = (await ask(client, messages=asked, **fields)).choices[0]
    (call,) = first.message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": "Lisbon: 18 degrees, guest of room 614"}
    last = (await ask(client, messages=[*asked, first.message.to_dict(), result], **fields)).choices[0]

    assert (first.finish_reason, call.function.name, json.loads(call.function.arguments)) == (
        "tool_calls",
        "Weather",
        {"city": "Lisbon"},
    )
    assert (last.finish_reason, last.message.tool_calls or None) == ("stop", None)
    assert last.message.parsed.room == 614
    assert all(record.body.get("tool_choice", {"type": "auto"}) == {"type": "auto"} for record in stack.asked())


class Weather(pydantic.BaseModel):
    """The weather in a city."""

    city: str


async def test_a_name_that_the_callers_tool_has(stack: Stack) -> None:
    """The hidden tool never takes a name of the caller's: its own ``final_answer`` comes through as the call that it is."""
    mine = {"type": "function", "function": {"name": "final_answer", "description": "Settle the bill of a room."}}
    bill: list[Any] = [{"role": "user", "content": "Settle the final answer bill of room 614"}]
    reply = await parsed(stack.client(), model="haiku-support", messages=bill, tools=[mine | strict(mine)], max_tokens=200)

    assert [call.function.name for call in reply.choices[0].message.tool_calls] == ["final_answer"]
    assert [tool["name"] for tool in stack.asked()[0].body["tools"]] == ["final_answer", "final_answer_2"]


def strict(tool: dict[str, Any]) -> dict[str, Any]:
    """What the SDK demands of tools beside a class to parse."""
    parameters = {"type": "object", "properties": {}, "additionalProperties": False}
    return {"function": tool["function"] | {"strict": True, "parameters": parameters}}


async def test_an_answer_cut_short(stack: Stack) -> None:
    """Trap 5: what the ceiling cuts off is ``length``, whole and streamed."""
    client = stack.client()
    fields: dict[str, Any] = {"model": "haiku-support", "messages": ANSWER, "max_tokens": 3}
    with pytest.raises(openai.LengthFinishReasonError):
        await parsed(client, **fields)
    stream = await client.chat.completions.create(**fields, response_format=GUEST, stream=True)

    assert [chunk.choices[0].finish_reason async for chunk in stream][-1] == "length"


async def test_a_schema_that_is_only_asked_for_is_named(stack: Stack) -> None:
    """A tool's schema is asked for and not enforced: the header says so, where Claude does not enforce it."""
    create = stack.client().chat.completions.with_raw_response.create
    older, newer = [
        (await create(model=alias, messages=ANSWER, response_format=GUEST, max_tokens=200)).headers for alias in CLAUDES[::2]
    ]

    assert older["x-quarry-ignored-parameters"] == "response_format.strict"
    assert "x-quarry-ignored-parameters" not in newer


@each_thinker
@asking
async def test_thoughts_there_and_back(stack: Stack, alias: str, ask: Ask) -> None:
    """Trap 30: the SDK's own message, sent back with the call's result, holds what the model thought, and the model goes on."""
    client = stack.client()
    fields = {"model": alias, "reasoning_effort": "low", "max_tokens": 4000, "tools": [WEATHER | strict_weather()]}
    asked: list[Any] = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    first = (await ask(client, messages=asked, **fields)).choices[0].message
    sent = first.to_dict()
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "18 degrees and sunny"}
    last = (await ask(client, messages=[*asked, sent, result], **fields)).choices[0].message
    native = stack.asked()[1].body["messages"][1]["content"]

    assert first.reasoning_content == "".join(detail["text"] for detail in sent["reasoning_details"])
    assert [block["type"] for block in native] == ["thinking", "tool_use"]
    assert (native[0]["thinking"], native[0]["signature"]) == (
        first.reasoning_content,
        sent["reasoning_details"][0]["signature"],
    )
    assert "sunny" in last.content
    assert last.reasoning_content


def strict_weather() -> dict[str, Any]:
    """The SDK's stream demands strict tools."""
    function: Any = WEATHER["function"]
    parameters = function["parameters"] | {"additionalProperties": False}
    return {"function": function | {"strict": True, "parameters": parameters}}


async def test_a_stream_of_thoughts_says_what_the_whole_reply_says(stack: Stack) -> None:
    """The same thoughts, details, text and usage, however they come."""
    fields: dict[str, Any] = {"model": "sonnet-3-7", "messages": ANSWER, "reasoning_effort": "high", "max_tokens": 4000}
    one = await whole(stack.client(), **fields)
    other = await gathered(stack.client(), **fields, stream_options={"include_usage": True})

    said, gathered_up = one.choices[0].message.to_dict(), other.choices[0].message.to_dict()
    assert said == {name: gathered_up[name] for name in said}
    assert one.usage == other.usage


@asking
async def test_a_hidden_thought_there_and_back(stack: Stack, ask: Ask) -> None:
    """What nobody but the model can read is carried as it is."""
    magic = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9A13E193C177646C7398A98432ECCCE4C1253D5E2D82641AC0E52CC2876CB"
    client, fields = stack.client(), {"model": "sonnet-3-7", "reasoning_effort": "low", "max_tokens": 4000}
    asked: list[Any] = [{"role": "user", "content": f"Count to 12 {magic}"}]
    said = (await ask(client, messages=asked, **fields)).choices[0].message.to_dict()
    await ask(client, messages=[*asked, said, {"role": "user", "content": "Go on"}], **fields)

    assert [detail["type"] for detail in said["reasoning_details"]] == ["reasoning.encrypted"]
    assert stack.asked()[1].body["messages"][1]["content"][0] == {
        "type": "redacted_thinking",
        "data": said["reasoning_details"][0]["data"],
    }


@pytest.mark.parametrize(
    ("alias", "fields", "parameter"),
    [
        ("sonnet-3-7", {"reasoning_effort": "low", "temperature": 0.3}, "temperature"),
        ("sonnet-3-7", {"reasoning_effort": "low", "max_tokens": 500}, "max_tokens"),
        ("sonnet-4-5", {"temperature": 0.3, "top_p": 0.9}, "top_p"),
        ("haiku-support", {"reasoning_effort": "low"}, "reasoning_effort"),
    ],
)
async def test_what_does_not_go_together_is_refused_by_name(
    stack: Stack, alias: str, fields: dict[str, Any], parameter: str
) -> None:
    """By us before anything is sent, or by the model in AWS's words: the caller reads its own field's name."""
    with pytest.raises(openai.BadRequestError) as refused:
        await whole(stack.client(), model=alias, messages=ANSWER, **fields)

    assert refused.value.param == parameter


async def test_a_tampered_thought_is_refused_in_our_words(stack: Stack) -> None:
    """The model knows its thoughts by their seals: AWS's words about it stay in the log."""
    detail = {"type": "reasoning.text", "text": "I think not", "signature": "Zm9yZ2Vk"}
    said = {"role": "assistant", "content": "12", "reasoning_details": [detail]}
    with pytest.raises(openai.BadRequestError, match="reasoning_details") as refused:
        await whole(
            stack.client(), model="sonnet-3-7", messages=[*ANSWER, said, *ANSWER], reasoning_effort="low", max_tokens=4000
        )

    assert "signature" not in refused.value.message


@pytest.mark.parametrize(
    ("alias", "effort", "sealed", "named"),
    [
        ("sonnet-3-7", "low", True, None),
        ("sonnet-3-7", "none", True, "reasoning"),
        ("sonnet-3-7", "low", False, "reasoning"),
        ("titan-support", None, True, "reasoning"),
    ],
)
async def test_thoughts_that_cannot_be_read_are_named(
    stack: Stack, alias: str, effort: str | None, sealed: bool, named: str | None
) -> None:
    """Unsealed, of another family, or for a model that is not to think: left out, and the header says so."""
    first = await whole(stack.client(), model="sonnet-3-7", messages=ANSWER, reasoning_effort="low", max_tokens=4000)
    said = first.choices[0].message.to_dict() if sealed else {"role": "assistant", "content": "Hm", "reasoning_content": "Hm"}
    reply = await stack.client().chat.completions.with_raw_response.create(
        model=alias,
        messages=[*ANSWER, said, *ANSWER],
        max_tokens=4000,
        **({} if effort is None else {"reasoning_effort": effort}),
    )

    assert reply.headers.get("x-quarry-ignored-parameters") == named


async def test_files_and_cache_points(stack: Stack) -> None:
    """A file of text is read as a document, a breakpoint marks the block before it; the model answers out of the document."""
    content = [
        {
            "type": "file",
            "file": {"file_data": "data:text/plain;base64,QnJlYWtmYXN0IGlzIHNlcnZlZCBhdCBzZXZlbi4=", "filename": "rules.txt"},
            "prompt_cache_breakpoint": {"mode": "explicit"},
        },
        {"type": "text", "text": "When is breakfast served?"},
    ]
    reply = await whole(stack.client(), model="sonnet-3-7", messages=[{"role": "user", "content": content}])
    document = stack.asked()[0].body["messages"][0]["content"][0]

    assert "seven" in reply.choices[0].message.content
    assert (document["title"], document["cache_control"]) == ("rules.txt", {"type": "ephemeral"})


async def test_thinking_and_a_schema(stack: Stack) -> None:
    """Claude cannot be forced while it thinks: it is told to end with the answer, and does; its thoughts stay beside it."""
    for ask in (parsed, streamed):
        reply = await ask(stack.client(), model="sonnet-3-7", messages=ANSWER, reasoning_effort="low", max_tokens=4000)

        assert reply.choices[0].message.parsed.room == 614
        assert reply.choices[0].message.reasoning_content
        assert reply.choices[0].finish_reason == "stop"
