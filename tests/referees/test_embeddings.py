"""The official clients judge embeddings: OpenAI's with and without asyncio, LangChain's, and boto3 around OpenAI's wire."""

import asyncio
import json
import math
from typing import Any

import openai
import pytest
from langchain_openai import OpenAIEmbeddings
from openai.types import CreateEmbeddingResponse
from openai.types.embedding_create_params import EmbeddingCreateParams

from gateway.surface.openai.wire.embeddings import EmbeddingBody, EmbeddingList
from tests.referees.bedrock.calls import client as boto3_client
from tests.referees.bedrock.calls import invoke
from tests.referees.openai_types import fields_of, strangers
from tests.stack import SECRET, Stack

EMBEDDERS = ["titan-embed", "titan-embed-g1", "titan-image-embed", "cohere-embed", "cohere-embed-v4"]
TEXTS = ["A room on a higher floor", "What time is breakfast?", "Is a room free on a higher floor?"]
OURS = {"input_type", "truncate", "normalize"}  # beside OpenAI's, for models that have them


def test_the_request_is_openais() -> None:
    """Every field of the SDK's, and of ours only those that are told of."""
    assert fields_of(EmbeddingBody) - OURS == set(EmbeddingCreateParams.__annotations__)


@pytest.mark.parametrize("encoding", ["float", "base64"])
@pytest.mark.parametrize("alias", EMBEDDERS)
async def test_the_reply_is_openais(stack: Stack, alias: str, encoding: Any) -> None:
    """Nothing more, nothing less: the SDK's type knows every field, and needs no other."""
    raw = await stack.client().embeddings.with_raw_response.create(model=alias, input=TEXTS, encoding_format=encoding)
    reply = CreateEmbeddingResponse.model_validate_json(raw.text.replace('"embedding":"', '"embedding":[],"packed":"'))

    assert strangers(reply) <= ({"packed"} if encoding == "base64" else set())
    assert set(json.loads(raw.text)) == fields_of(EmbeddingList)
    assert [item.index for item in reply.data] == [0, 1, 2]


async def test_what_the_client_unpacks_by_itself_is_what_was_sent(stack: Stack) -> None:
    """Unless told it asks for base64: the same numbers as in plain text, to 32 bits."""
    client = stack.client()
    packed = await client.embeddings.create(model="titan-embed", input=TEXTS)
    plain = await client.embeddings.create(model="titan-embed", input=TEXTS, encoding_format="float")

    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, rel=1e-6)
        assert math.hypot(*one.embedding) == pytest.approx(1)


async def test_the_client_without_asyncio(stack: Stack) -> None:
    """As most indexing jobs use it."""
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=SECRET, max_retries=0) as client:
        reply = await asyncio.to_thread(client.embeddings.create, model="cohere-embed-v4", input=TEXTS, dimensions=256)

    assert [len(item.embedding) for item in reply.data] == [256] * 3
    assert reply.usage.prompt_tokens == stack.asked()[0].input_tokens


ERRORS: dict[str, tuple[dict[str, Any], type[openai.APIStatusError], str | None]] = {
    "an empty text": ({"input": ["a", ""]}, openai.BadRequestError, "input[1]"),
    "nothing": ({"input": []}, openai.BadRequestError, "input"),
    "tokens": ({"input": [1, 2, 3]}, openai.BadRequestError, "input"),
    "lists of tokens": ({"input": [[1, 2], [3]]}, openai.BadRequestError, "input"),
    "too many": ({"input": ["a"] * 2049}, openai.BadRequestError, "input"),
    "too long a text": ({"input": ["a", "b" * 50_001]}, openai.BadRequestError, "input[1]"),
    "dimensions": ({"input": "a", "dimensions": 77}, openai.BadRequestError, "dimensions"),
    "an encoding": ({"input": "a", "encoding_format": "int8"}, openai.BadRequestError, "encoding_format"),
    "a stranger": ({"input": "a", "extra_body": {"stream": True}}, openai.BadRequestError, "stream"),
    "a chat": ({"input": "a", "model": "haiku-support"}, openai.BadRequestError, "model"),
    "nobody": ({"input": "a", "model": "nobody"}, openai.NotFoundError, "model"),
}


@pytest.mark.parametrize(("fields", "kind", "parameter"), ERRORS.values(), ids=ERRORS)
async def test_errors_are_typed(stack: Stack, fields: dict[str, Any], kind: type[openai.APIStatusError], parameter: str) -> None:
    """And name the place; nothing is asked of Bedrock."""
    with pytest.raises(kind) as raised:
        await stack.client().embeddings.create(**{"model": "titan-embed"} | fields)

    assert raised.value.param == parameter
    assert stack.asked() == []


async def test_2048_texts_are_as_many_as_openai_takes(stack: Stack) -> None:
    """In their places."""
    reply = await stack.client().embeddings.create(model="cohere-embed", input=[f"Text {n}" for n in range(2048)])

    assert [item.index for item in reply.data] == list(range(2048))
    assert len(stack.asked()) == 22


@pytest.mark.parametrize("alias", EMBEDDERS)
async def test_langchain(stack: Stack, alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents and a query by LangChain's client: what is about the same is near."""
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    embeddings = OpenAIEmbeddings(
        model=alias, base_url=f"{stack.url}/v1", api_key=SECRET, check_embedding_ctx_length=False, max_retries=0
    )

    room, breakfast = await embeddings.aembed_documents(TEXTS[:2])
    query = await embeddings.aembed_query(TEXTS[2])
    await embeddings.async_client._client.close()
    embeddings.client._client.close()

    near, far = [sum(a * b for a, b in zip(query, vector, strict=True)) for vector in (room, breakfast)]
    assert near > far


@pytest.mark.parametrize("alias", ["titan-embed", "cohere-embed"])
async def test_boto3_has_the_models_own_body(stack: Stack, alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Around OpenAI's wire: what Bedrock's protocol asks for goes through as it is, other types of numbers included."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", SECRET)
    bodies: dict[str, dict[str, Any]] = {
        "titan-embed": {"inputText": TEXTS[0], "dimensions": 256, "embeddingTypes": ["float", "binary"]},
        "cohere-embed": {"texts": TEXTS, "input_type": "clustering", "embedding_types": ["float", "int8"]},
    }
    runtime = boto3_client(stack.url)
    native, headers = await asyncio.to_thread(invoke, runtime, alias, bodies[alias])
    runtime.close()

    reply = json.loads(native)
    assert set(reply["embeddingsByType" if alias == "titan-embed" else "embeddings"]) == {
        "float",
        {"titan-embed": "binary"}.get(alias, "int8"),
    }
    assert int(headers["x-amzn-bedrock-input-token-count"]) == stack.asked()[0].input_tokens == stack.lines()[0]["input_tokens"]
