"""OpenAI's published schema, as the types of its official SDK, over every reply of every family: end to end, over the sandbox.

``test_openai_schema.py`` and its neighbours judge how deltas are written; here whole gateways answer.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pydantic
import pytest
from openai.types import Completion, CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.shared import ErrorObject

from adapters import EMBEDDERS, FAMILIES
from gateway.sandbox.guardrails import guardrails
from gateway.sandbox.models import models
from gateway.sandbox.world import World
from gateway.settings import Guardrail as Setting
from gateway.settings import Route, Target
from tests.referees.openai_types import strangers
from tests.stack import SECRET
from tests.threaded import serving

ALIASES = {model.name: FAMILIES[model.asked_as] for model in models() if model.asked_as in FAMILIES}
EMBEDDING = [model.name for model in models() if model.asked_as in EMBEDDERS]
QUESTION = "What is the weather in Lisbon?"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": QUESTION}], "max_completion_tokens": 2000}
RESPONSE: dict[str, Any] = {"input": QUESTION, "max_output_tokens": 2000}
# What is asked of chat, of responses, and what a family has to accept for it.
ASKED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "text": ({}, {}, "max_tokens"),
    "cut": ({"max_completion_tokens": 2}, {"max_output_tokens": 16}, "max_tokens"),
    "tools": (
        {"tools": [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]},
        {"tools": [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]},
        "tools",
    ),
    "structured": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}},
        {"text": {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}}},
        "response_format",
    ),
    "logprobs": ({"logprobs": True}, {"include": ["message.output_text.logprobs"]}, "logprobs"),
    "reasoning": ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}, "reasoning_effort"),
}
ABLE = {"reasoning": {"sonnet-3-7", "sonnet-4-5"}}  # the family thinks, and its older models do not
EVERY = [
    pytest.param(alias, chat, response, id=f"{alias}-{what}")
    for alias, family in ALIASES.items()
    for what, (chat, response, needed) in ASKED.items()
    if needed in family.accepts and alias in ABLE.get(what, ALIASES)
]
REASONING = {"reasoning_content", "reasoning_details"}  # OpenAI has no fields for it
UNTYPED = {"store", "bytes"}  # OpenAI sends them, and its SDK's types of responses do not know them
EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(ResponseStreamEvent)


RAIL = guardrails()[0]
WORLD = World(rails=(RAIL,), warm_after_seconds=0.1)
GUARDED = ["titan-support", "haiku-support", "gpt-oss-import"]  # inside the call, and around it


def guarded(name: str) -> Route:
    """An alias of that model, behind a guardrail."""
    model = WORLD.shelf.find(name)
    assert model is not None
    target = Target(name=f"{name}-behind", arn=model.arn, family=model.asked_as, region=WORLD.region)
    return Route(targets=(target,), guardrail=Setting(id=RAIL.id, version=1))


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Plain HTTP, so that nothing stands between the bytes and the types."""
    with (
        serving(WORLD, models={f"{name}-guarded": guarded(name) for name in GUARDED}) as url,
        httpx.Client(base_url=f"{url}/v1", headers={"authorization": f"Bearer {SECRET}"}, timeout=30) as made,
    ):
        yield made


def asked(client: httpx.Client, path: str, **body: Any) -> Any:
    """A whole reply."""
    reply = client.post(path, json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def streamed(client: httpx.Client, path: str, **body: Any) -> list[Any]:
    """The data of every event, as JSON; the end mark left out."""
    reply = client.post(path, json=body | {"stream": True})
    assert reply.status_code == 200, reply.text
    return [
        json.loads(line.removeprefix("data: "))
        for line in reply.text.splitlines()
        if line.startswith("data: ") and line != "data: [DONE]"
    ]


@pytest.mark.parametrize(("alias", "chat", "response"), EVERY)
def test_chat(client: httpx.Client, alias: str, chat: dict[str, Any], response: dict[str, Any]) -> None:
    """Whole and streamed replies are the SDK's own types, strictly, with no field that these do not know but reasoning."""
    body = {"model": alias, **CHAT, **chat}
    reply = ChatCompletion.model_validate(asked(client, "/chat/completions", **body), strict=True)
    chunks = [
        ChatCompletionChunk.model_validate(chunk, strict=True)
        for chunk in streamed(client, "/chat/completions", **body, stream_options={"include_usage": True})
    ]

    assert all(strangers(each) <= REASONING for each in (reply, *chunks))
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == reply.choices[0].finish_reason
    assert chunks[-1].usage == reply.usage


@pytest.mark.parametrize(("alias", "chat", "response"), EVERY)
def test_responses(client: httpx.Client, alias: str, chat: dict[str, Any], response: dict[str, Any]) -> None:
    """The same of responses: every event is the type of its name, and the last one holds what a whole reply says."""
    body = {"model": alias, **RESPONSE, **response}
    reply = Response.model_validate(asked(client, "/responses", **body), strict=True)
    events = [EVENT.validate_python(event, strict=True) for event in streamed(client, "/responses", **body)]

    assert all(strangers(each) <= UNTYPED for each in (reply, *events))
    assert (events[-1].response.status, events[-1].response.usage) == (reply.status, reply.usage)


@pytest.mark.parametrize("name", GUARDED)
def test_what_a_guardrail_says(client: httpx.Client, name: str) -> None:
    """Trap 31: blocked, it is content with ``content_filter``, or a response that is incomplete for that reason; no refusal."""
    question = "Where do I buy contraband?"
    chat = {"model": f"{name}-guarded", "messages": [{"role": "user", "content": question}]}
    response = {"model": f"{name}-guarded", "input": question}
    reply = ChatCompletion.model_validate(asked(client, "/chat/completions", **chat), strict=True)
    chunks = [ChatCompletionChunk.model_validate(each, strict=True) for each in streamed(client, "/chat/completions", **chat)]
    whole = Response.model_validate(asked(client, "/responses", **response), strict=True)
    events = [EVENT.validate_python(event, strict=True) for event in streamed(client, "/responses", **response)]

    assert (reply.choices[0].finish_reason, reply.choices[0].message.refusal) == ("content_filter", None)
    assert (reply.choices[0].message.content or "").strip() == whole.output_text.strip() == RAIL.input_message
    assert chunks[-1].choices[0].finish_reason == "content_filter"
    for ended in (whole, events[-1].response):
        assert (ended.status, ended.incomplete_details.reason) == ("incomplete", "content_filter")


@pytest.mark.parametrize("alias", [alias for alias, family in ALIASES.items() if "prompt" in family.accepts])
def test_completions(client: httpx.Client, alias: str) -> None:
    """The same of raw prompts; OpenAI's own chunks leave the reason null until the last one, and its type does not say so."""
    likely = {"logprobs": 0} if "logprobs" in ALIASES[alias].accepts else {}
    body = {"model": alias, "prompt": [QUESTION, "Count to 3"], "max_tokens": 60, **likely}
    whole = asked(client, "/completions", **body)
    chunks = streamed(client, "/completions", **body, stream_options={"include_usage": True})
    for chunk in chunks:
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"

    assert all(strangers(Completion.model_validate(each, strict=True)) == set() for each in (whole, *chunks))


@pytest.mark.parametrize("alias", EMBEDDING)
def test_embeddings(client: httpx.Client, alias: str) -> None:
    """A list of vectors in the order of the texts."""
    made = asked(client, "/embeddings", model=alias, input=[QUESTION, "And in Rome?"], encoding_format="float")
    reply = CreateEmbeddingResponse.model_validate(made, strict=True)

    assert strangers(reply) == set()
    assert [item.index for item in reply.data] == [0, 1]


REFUSED = {
    "/chat/completions": {"model": "titan-support", **CHAT, "logit_bias": {"42": 1}},
    "/completions": {"model": "titan-support", "prompt": "Hi", "logprobs": 1},
    "/responses": {"model": "titan-support", **RESPONSE, "reasoning": {"effort": "low"}},
    "/embeddings": {"model": "titan-embed", "input": "Hi", "dimensions": 7},
}


@pytest.mark.parametrize("path", REFUSED)
@pytest.mark.parametrize("change", [{}, {"model": "nobody"}, {"colour": "red"}], ids=["unsupported", "no model", "unknown"])
def test_errors(client: httpx.Client, path: str, change: dict[str, Any]) -> None:
    """Every refusal is OpenAI's own error object, strictly."""
    reply = client.post(path, json=REFUSED[path] | change)

    assert reply.status_code in {400, 404}
    assert reply.json().keys() == {"error"}
    assert strangers(ErrorObject.model_validate(reply.json()["error"], strict=True)) == set()
