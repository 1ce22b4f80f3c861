"""A completion through the whole path: the prompt untouched on the wire, several at once, and families that have none."""

import asyncio
from typing import Any

import openai
import pytest

from gateway.sandbox import faults
from tests.stack import Stack

# Alias, and where in its native body the prompt is.
PROMPTED = {
    "titan-support": "inputText",
    "command-light-support": "prompt",
    "llama2-support": "prompt",
    "llama3-support": "prompt",
    "qwen-import": "prompt",
    "mistral-import": "prompt",
    "command-r": "message",
}
PROMPT = "<|begin_of_text|>Tell me about the harbour. Bot: [INST] é\u2028🙂\n\n### Response:\n"


@pytest.mark.parametrize(("alias", "field"), PROMPTED.items(), ids=PROMPTED.keys())
async def test_a_prompt_goes_as_it_stands(stack: Stack, alias: str, field: str) -> None:
    """No template, no neutralising: the family's native body holds the caller's text, byte for byte."""
    reply = await stack.client().completions.create(model=alias, prompt=PROMPT, max_tokens=30)

    record = stack.asked()[-1]  # the import is cold at first, and asked again
    assert record.body[field] == PROMPT
    assert reply.choices[0].text
    assert reply.choices[0].finish_reason in {"stop", "length"}
    assert (reply.model, reply.usage.prompt_tokens, reply.usage.completion_tokens) == (
        alias,
        record.input_tokens,
        record.output_tokens,
    )


@pytest.mark.parametrize(("alias", "field"), PROMPTED.items(), ids=PROMPTED.keys())
async def test_a_stream_is_the_whole_reply(stack: Stack, alias: str, field: str) -> None:
    """Joined, the chunks are what a whole reply says, with the same reason and the same counts."""
    asked: dict[str, Any] = {"model": alias, "prompt": PROMPT, "max_tokens": 30, "echo": True}
    whole = await stack.client().completions.create(**asked)

    stream = await stack.client().completions.create(**asked, stream=True, stream_options={"include_usage": True})
    *chunks, last = [chunk async for chunk in stream]

    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert whole.choices[0].text.startswith(PROMPT)
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert last.usage == whole.usage
    assert all(record.body[field] == PROMPT for record in stack.asked())


async def test_several_prompts(stack: Stack) -> None:
    """Each prompt is a request of its own, ``n`` times over; the choices are counted from prompt to prompt."""
    prompts = ["Tell me about the harbour.", "What is the weather in Lisbon?"]

    reply = await stack.client().completions.create(model="llama3-support", prompt=prompts, n=2, max_tokens=20, echo=True)

    assert [choice.index for choice in reply.choices] == [0, 1, 2, 3]
    assert [choice.text.startswith(prompts[choice.index // 2]) for choice in reply.choices] == [True] * 4
    asked = stack.asked()
    assert sorted(record.body["prompt"] for record in asked) == sorted(prompts * 2)
    assert reply.usage.prompt_tokens == sum(record.input_tokens for record in asked)


async def test_stop_is_honoured(stack: Stack) -> None:
    """Where the native body has no stop, the gateway cuts, as for chat."""
    asked: dict[str, Any] = {"model": "llama3-support", "prompt": "Tell me about the harbour.", "max_tokens": 60}
    whole = (await stack.client().completions.create(**asked)).choices[0].text
    stop = whole[10:14]

    cut = await stack.client().completions.create(**asked, stop=stop)

    assert cut.choices[0].text == whole[: whole.index(stop)]
    assert cut.choices[0].finish_reason == "stop"


async def test_logprobs_and_the_best_of_several(stack: Stack) -> None:
    """Where the family has log probabilities they are told, and rank what ``best_of`` makes; all of it is counted."""
    asked: dict[str, Any] = {"model": "command-light-support", "prompt": "Tell me about the harbour.", "max_tokens": 8}

    shown = await stack.client().completions.create(**asked, logprobs=0)
    best = await stack.client().completions.create(**asked, best_of=3, n=2)

    logprobs = shown.choices[0].logprobs
    assert "".join(logprobs.tokens) == shown.choices[0].text
    assert logprobs.text_offset == [len("".join(logprobs.tokens[:place])) for place in range(len(logprobs.tokens))]
    assert [choice.index for choice in best.choices] == [0, 1]
    assert best.choices[0].logprobs is None
    assert best.usage.completion_tokens == sum(record.output_tokens for record in stack.asked()[1:])
    assert len(stack.asked()) == 4


REFUSED = {
    "a family of conversations": (
        {"model": "haiku-support"},
        'prompt is not supported by family "claude": it reads conversations, so ask /v1/chat/completions',
        "prompt",
    ),
    "no log probabilities": ({"logprobs": 2}, "logprobs is not supported", "logprobs"),
    "nothing to rank by": ({"best_of": 2}, r"logprobs is not supported.*best_of needs them, too", "logprobs"),
    "beyond the family's range": ({"temperature": 1.9}, "temperature 1.9 is outside 0 to 1", "temperature"),
    "beyond the family's length": ({"max_tokens": 3000}, "max_tokens 3000 is outside 1 to 2048", "max_tokens"),
}


@pytest.mark.parametrize(("fields", "message", "parameter"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_refused(stack: Stack, fields: dict[str, Any], message: str, parameter: str, stream: bool) -> None:
    """A family's limits hold as they do for chat: a 400 that names the field, before anything is asked."""
    if stream and "best_of" in fields:
        fields = fields | {"best_of": 1, "logprobs": 0}
        message = "logprobs is not supported"
    with pytest.raises(openai.BadRequestError, match=message) as caught:
        await stack.client().completions.create(**{"model": "llama3-support", "prompt": "x", "stream": stream} | fields)

    assert caught.value.param == parameter
    assert stack.asked() == []


async def test_ignored(stack: Stack) -> None:
    """What changes no answer is named in the header, whatever the family."""
    raw = await stack.client().completions.with_raw_response.create(
        model="llama3-support", prompt="x", user="u", seed=7, frequency_penalty=0, max_tokens=5
    )

    assert set(raw.headers["x-quarry-ignored-parameters"].split(", ")) == {"user", "seed", "frequency_penalty"}


async def test_one_of_several_fails(stack: Stack) -> None:
    """The first text that fails ends them all: with its status, as long as nothing was sent."""
    stack.plant(faults.Error(name="ModelErrorException", times=1))

    with pytest.raises(openai.InternalServerError) as caught:
        await stack.client().completions.create(model="llama3-support", prompt=["a", "b"], max_tokens=5)

    assert caught.value.status_code == 502


async def test_a_stream_that_is_cut(stack: Stack) -> None:
    """An upstream that breaks off half way is an error event, and no ``[DONE]``."""
    stack.plant(faults.CutMidFrame(after_chunks=3))
    said = []

    stream = await stack.client().completions.create(model="llama3-support", prompt=PROMPT, stream=True)
    with pytest.raises(openai.APIError):
        async for chunk in stream:
            said += chunk.choices

    assert all(choice.finish_reason is None for choice in said)
    (line,) = stack.lines()
    assert line["outcome"] == "cut"


async def test_leaving(stack: Stack, within: Any) -> None:
    """Who leaves a stream of several texts leaves no upstream open."""
    stack.plant(faults.Stall(after_chunks=2))
    stream = await stack.client().completions.create(model="llama3-support", prompt=["a", "b", "c"], stream=True)
    async for _ in stream:
        break
    await stream.close()

    (line,) = await within(stack.lines)
    assert line["outcome"] == "client_gone"
    assert line["choices"] == 3


async def test_at_once(stack: Stack) -> None:
    """Requests of several kinds at once do not mix."""
    client = stack.client()
    texts = await asyncio.gather(
        *(client.completions.create(model="llama3-support", prompt=f"{n}", max_tokens=5, echo=True) for n in range(8)),
    )

    assert [text.choices[0].text[0] for text in texts] == [f"{n}" for n in range(8)]
