"""The OpenAPI document: complete, consistent, and the same as what the code does."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import openai
import pytest
from litestar import Litestar

from gateway import errors
from gateway.app import CHATS
from gateway.errors import GatewayError
from gateway.keys.model import Key
from gateway.surface import openapi
from gateway.surface.answering import Arrival
from gateway.surface.anthropic.problems import envelope as anthropic_envelope
from gateway.surface.guard import Guard
from gateway.surface.health import PUBLIC_PATHS
from gateway.surface.openai import chat
from gateway.surface.openai.parse import parse_chat
from gateway.surface.problems import answer, envelope

DOCUMENT = openapi.document("1.2.3")
CHAT = DOCUMENT["paths"]["/v1/chat/completions"]["post"]


def schema(name: str) -> dict[str, Any]:
    """A component with everything it refers to."""
    return {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            yield path, operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


def test_references() -> None:
    """Every reference leads somewhere, and every component is a valid JSON Schema."""
    found = set(references(DOCUMENT))

    assert {reference.removeprefix("#/components/schemas/") for reference in found} <= set(DOCUMENT["components"]["schemas"])
    for component in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(component)


def test_operations() -> None:
    """Each operation has a name of its own, says what it does, and describes every response."""
    names = [operation["operationId"] for _, operation in operations()]

    assert len(set(names)) == len(names)
    for _, operation in operations():
        assert operation["summary"]
        assert all(response["description"] for response in operation["responses"].values())


def test_public() -> None:
    """Only the public paths ask for no key; all the others can answer 401, or 403 as AWS does."""
    for path, operation in operations():
        refusal = "403" if path.startswith("/bedrock/") else "401"
        assert (operation.get("security") == []) == (path in PUBLIC_PATHS)
        assert (refusal in operation["responses"]) == (path not in PUBLIC_PATHS)


def test_every_status() -> None:
    """Every status and code that our errors have is in the chat operation (design 4.3)."""

    def kinds(root: type[GatewayError]) -> list[type[GatewayError]]:
        return [root, *(each for child in root.__subclasses__() for each in kinds(child) if each.__module__ == errors.__name__)]

    for kind in kinds(GatewayError):
        described = CHAT["responses"][str(kind.status)]["description"]
        assert (kind.code or kind.type) in described


@pytest.mark.parametrize("path", CHATS)
def test_example(path: str) -> None:
    """The example of each endpoint is valid by the document, and the gateway takes it."""
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]

    jsonschema.validate(content["example"], schema(name), jsonschema.Draft202012Validator)
    call = CHATS.get(path, chat.CHAT).parse(json.dumps(content["example"]).encode(), Arrival("r", Key("k", "n", "o", ""), 0.0))

    assert call.alias == content["example"]["model"]


REFUSED = {
    "no messages": {"messages": []},
    "unknown field": {"foo": 1},
    "hot": {"temperature": 3},
    "unknown role": {"messages": [{"role": "bot", "content": "x"}]},
    "five stops": {"stop": list("abcde")},
    "bad tool name": {"tools": [{"type": "function", "function": {"name": "a b"}}]},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED.keys())
def test_same_refusals(fields: dict[str, Any]) -> None:
    """What the document forbids the gateway refuses: they are one source."""
    body = openapi.CHAT_EXAMPLE | fields

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, schema("ChatCompletionBody"), jsonschema.Draft202012Validator)
    with pytest.raises(errors.InvalidRequest):
        parse_chat(json.dumps(body).encode(), Arrival("r", Key("k", "n", "o", ""), 0.0))


def test_envelope() -> None:
    """An error as it is sent is valid by the document."""
    _, body, _ = envelope(errors.ModelNotFound("x", parameter="model"))

    jsonschema.validate(json.loads(body), schema("ErrorEnvelope"), jsonschema.Draft202012Validator)


def test_anthropics_envelope() -> None:
    """So is one in Anthropic's form."""
    _, body, _ = anthropic_envelope(errors.ModelNotFound("x", parameter="model"), "req-1")

    jsonschema.validate(json.loads(body), schema("ErrorResponse"), jsonschema.Draft202012Validator)


async def test_served(served: Any) -> None:
    """Any key may read the document; nobody else may."""
    key = Key(id="k", name="n", owner="o", hash=hashlib.sha256(b"secret").hexdigest())
    handler = openapi.route(Guard([key]), version="1.2.3")
    app = Litestar([handler], openapi_config=None, logging_config=None, exception_handlers={Exception: answer})
    async with served(app) as url:
        async with openai.AsyncOpenAI(base_url=url, api_key="secret", max_retries=0) as client:
            found = await client.get("/schema/openapi.json", cast_to=object)
        async with openai.AsyncOpenAI(base_url=url, api_key="guess", max_retries=0) as stranger:
            with pytest.raises(openai.AuthenticationError):
                await stranger.get("/schema/openapi.json", cast_to=object)

    assert found == DOCUMENT
