"""Tools, answers to a schema, images, thoughts and log probabilities of models that read one prompt, through the whole path."""

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from gateway.sandbox.world import World
from gateway.settings import Route, Target
from tests.path.test_chat import WEATHER, png
from tests.stack import Stack, stack_over

TIME = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
ASKED = [{"role": "user", "content": "What is the weather in Lisbon?"}]
# Family and template that an import is asked by; the sandbox's gpt-oss import takes all three bodies, and is awake.
IMPORTS = {
    "old-qwen": ("llama3", "chatml"),
    "old-granite": ("llama3", "granite"),
    "pythonic": ("llama3", "llama3_pythonic"),
    "qwen": ("openai_completion", None),
    "granite": ("openai_completion", "granite"),
}
VISION = "meta.llama3-2-11b-instruct-v1:0"
WHOLE_AND_STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.fixture
async def stack(world: World) -> AsyncIterator[Stack]:
    """Aliases of an import under every template, and of a Llama that sees."""
    arn = next(model.arn for model in world.shelf.entries if model.name == "gpt-oss-import")
    targets = {name: Target(arn=arn, family=family, built_in_template=template) for name, (family, template) in IMPORTS.items()}
    targets |= {
        "flan": Target(arn=arn, family="openai_completion", built_in_template="plain"),
        "vision": Target(arn=VISION, family="llama3", region=world.region),
    }
    async with stack_over(world, models={name: Route(targets=(target,)) for name, target in targets.items()}) as running:
        yield running


async def ask(stack: Stack, *, stream: bool, **asked: Any) -> ChatCompletion:
    """The whole reply, however it came."""
    client = stack.client()
    if not stream:
        return await client.chat.completions.create(**asked)
    async with client.chat.completions.stream(**asked) as events:
        return await events.get_final_completion()


@WHOLE_AND_STREAMED
@pytest.mark.parametrize("alias", IMPORTS)
async def test_a_call_and_its_answer_in_every_template(stack: Stack, alias: str, stream: bool) -> None:
    """The model calls as its template taught it, sees the result where its template puts it, and answers."""
    reply = await ask(stack, stream=stream, model=alias, messages=ASKED, tools=[WEATHER, TIME], max_tokens=100)
    (call,) = reply.choices[0].message.tool_calls
    said = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump(include={"id", "type", "function"})]},
        {"role": "tool", "tool_call_id": call.id, "content": '{"degrees": 18}'},
    ]
    answered = await ask(stack, stream=stream, model=alias, messages=said, tools=[WEATHER, TIME], max_tokens=100)

    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Lisbon"})
    assert reply.choices[0].finish_reason == "tool_calls"
    assert not reply.choices[0].message.content
    assert answered.choices[0].message.content.strip() == "According to the tool, degrees: 18."
    assert answered.choices[0].finish_reason == "stop"


@WHOLE_AND_STREAMED
@pytest.mark.parametrize("alias", ["llama3-support", *IMPORTS])
@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_weather"}}], ids=["required", "named"]
)
async def test_a_demanded_call_is_made(stack: Stack, alias: str, choice: Any, stream: bool) -> None:
    """Though the question fits no tool: the prompt begins the call, and the model cannot but go on with it."""
    greeting = [{"role": "user", "content": "Hello, Lisbon"}]
    reply = await ask(stack, stream=stream, model=alias, messages=greeting, tools=[WEATHER], tool_choice=choice, max_tokens=100)

    assert [call.function.name for call in reply.choices[0].message.tool_calls] == ["get_weather"]
    assert reply.choices[0].finish_reason == "tool_calls"


@WHOLE_AND_STREAMED
@pytest.mark.parametrize("alias", ["llama3-support", *IMPORTS])
async def test_a_forbidden_call_is_not_made(stack: Stack, alias: str, stream: bool) -> None:
    """``none``: the model hears of no tool."""
    reply = await ask(stack, stream=stream, model=alias, messages=ASKED, tools=[WEATHER], tool_choice="none", max_tokens=100)

    assert reply.choices[0].message.content
    assert not reply.choices[0].message.tool_calls
    assert "get_weather" not in stack.asked()[0].body["prompt"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_call_that_was_cut_is_text(stack: Stack, stream: bool) -> None:
    """The ceiling comes before the last bracket: nothing of what the model said is lost, nothing of ours is added."""
    asked: dict[str, Any] = {"model": "llama3-support", "messages": ASKED, "tools": [WEATHER], "tool_choice": "required"}
    reply = await stack.client().chat.completions.create(**asked, max_tokens=4, stream=stream)
    choices = [chunk.choices[0] async for chunk in reply] if stream else reply.choices
    text = "".join(choice.delta.content or "" for choice in choices) if stream else choices[0].message.content

    assert text == 'get_weather"'
    assert choices[-1].finish_reason == "length"


@WHOLE_AND_STREAMED
async def test_an_answer_to_a_schema(stack: Stack, stream: bool) -> None:
    """Llama answers by a call that the caller never sees; an import's own body has a field for it."""
    schema = {"type": "object", "properties": {"room": {"type": "integer"}}, "required": ["room"], "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "room", "schema": schema, "strict": True}}
    asked = [{"role": "user", "content": "Which room? It is room 614."}]
    for alias in ("llama3-support", "old-qwen", "qwen"):
        reply = await ask(stack, stream=stream, model=alias, messages=asked, response_format=wanted, max_tokens=100)

        assert json.loads(reply.choices[0].message.content) == {"room": 614}, alias
        assert reply.choices[0].finish_reason == "stop"
        assert not reply.choices[0].message.tool_calls
    assert [("response_format" in record.body) for record in stack.asked()] == [False, False, True]


async def test_a_bare_model_gets_bare_text(stack: Stack) -> None:
    """Flan reads the instruction as it stands; tools are refused by name."""
    said = [{"role": "system", "content": "Count to 5."}]
    reply = await ask(stack, stream=False, model="flan", messages=said, max_tokens=100)
    with pytest.raises(openai.BadRequestError) as refused:
        await ask(stack, stream=False, model="flan", messages=ASKED, tools=[WEATHER])

    assert stack.asked()[0].body["prompt"] == "Count to 5."
    assert reply.choices[0].message.content == "1, 2, 3, 4, 5."
    assert refused.value.param == "tools"


@WHOLE_AND_STREAMED
async def test_an_image_reaches_a_llama_that_sees(stack: Stack, stream: bool) -> None:
    """Base64 beside the prompt, its mark within; a Llama that does not see refuses it, and so is a second one refused."""
    picture = {"type": "image_url", "image_url": {"url": png()}}
    seen = [{"role": "user", "content": [picture, {"type": "text", "text": "Say: a dot"}]}]
    twice = [{"role": "user", "content": [picture, picture]}]

    reply = await ask(stack, stream=stream, model="vision", messages=seen, max_tokens=100)
    with pytest.raises(openai.BadRequestError) as refused:
        await ask(stack, stream=stream, model="vision", messages=twice)
    with pytest.raises(openai.BadRequestError):
        await ask(stack, stream=stream, model="llama3-support", messages=seen)

    body = stack.asked()[0].body
    assert (reply.choices[0].message.content, body["images"]) == ("a dot", [png().partition(",")[2]])
    assert "<|image|>Say: a dot<|eot_id|>" in body["prompt"]
    assert refused.value.param == "messages[0].content[1]"
    assert len(stack.asked()) == 2


@pytest.mark.parametrize("family", ["openai_chat", "openai_completion", "llama3"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_thoughts_of_an_import_are_told_apart(world: World, family: str, stream: bool) -> None:
    """Qwen thinks between tags; the caller reads it beside the answer, whichever body asked for it."""
    arn = next(model.arn for model in world.shelf.entries if model.name == "qwen-import")
    target = Target(arn=arn, family=family, built_in_template="chatml" if family == "llama3" else None)
    said = [{"role": "user", "content": "Say: Room 614 /think"}]
    async with stack_over(world, models={"thinker": Route(targets=(target,))}) as stack:
        reply = await stack.client().chat.completions.create(model="thinker", messages=said, stream=stream)
        messages = [chunk.choices[0].delta async for chunk in reply] if stream else [reply.choices[0].message]

    assert "".join(getattr(message, "reasoning_content", None) or "" for message in messages).startswith("This is about")
    assert "".join(message.content or "" for message in messages) == "Room 614"


@pytest.mark.parametrize("alias", ["gpt-oss-import", "qwen"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_log_probabilities_of_imports(stack: Stack, alias: str, stream: bool) -> None:
    """Both of OpenAI's forms tell them; token by token they are the answer."""
    reply = await stack.client().chat.completions.create(
        model=alias, messages=[{"role": "user", "content": "Count to 9"}], logprobs=True, top_logprobs=2, stream=stream
    )
    choices = [chunk.choices[0] async for chunk in reply if chunk.choices] if stream else reply.choices
    told = [token for choice in choices if choice.logprobs for token in choice.logprobs.content]

    assert "".join(token.token for token in told) == "1, 2, 3, 4, 5, 6, 7, 8, 9."
    assert all(token.top_logprobs[0].token == token.token for token in told)
    assert {len(token.top_logprobs) for token in told} == {2}


async def test_log_probabilities_of_a_raw_completion(stack: Stack) -> None:
    """The older endpoint shows them in its own form."""
    reply = await stack.client().completions.create(model="qwen", prompt="Count to 3", max_tokens=20, logprobs=1)

    assert "".join(reply.choices[0].logprobs.tokens) == reply.choices[0].text == "1, 2, 3."
    assert len(reply.choices[0].logprobs.token_logprobs) == len(reply.choices[0].logprobs.tokens)


@pytest.mark.parametrize(
    "alias", ["llama3-support", "titan-support", "mistral-import", "haiku-support", "nova-lite-support", "command-r"]
)
async def test_log_probabilities_that_nobody_tells_are_refused(stack: Stack, alias: str) -> None:
    """A 400 that names the parameter; never a null in their place."""
    with pytest.raises(openai.BadRequestError) as refused:
        await stack.client().chat.completions.create(model=alias, messages=ASKED, logprobs=True)

    assert refused.value.param == "logprobs"
    assert stack.asked() == []
