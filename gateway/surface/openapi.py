"""The OpenAPI 3.1 document, made from the wire Structs and the error classes: what the code says is what it says.

Litestar's own generator stays off: it cannot see an ``@asgi`` route, and two sources would drift.
"""

import inspect
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway import errors
from gateway.surface import problems, rendering
from gateway.surface.anthropic import openapi as anthropic
from gateway.surface.bedrock import openapi as bedrock
from gateway.surface.guard import Guard
from gateway.surface.openai import wire
from gateway.surface.openai.wire import completions, embeddings
from gateway.surface.openai.wire.responses import reply as responses_reply
from gateway.surface.openai.wire.responses import request as responses
from gateway.surface.openai.wire.responses.events import ResponseEvent

Schema = dict[str, Any]

# Every class a caller can meet, by endpoint; the statuses and codes are theirs.
ANY_ROUTE: tuple[type[errors.GatewayError], ...] = (errors.NotAuthenticated, errors.ModelNotAllowed, errors.GatewayError)
CHAT: tuple[type[errors.GatewayError], ...] = (
    errors.InvalidRequest,
    errors.ContextTooLong,
    errors.BodyTooLarge,
    errors.UnsupportedEncoding,
    errors.ModelNotFound,
    errors.UpstreamThrottled,
    errors.UpstreamError,
    errors.ModelNotReady,
    errors.NoTargetAvailable,
    errors.Overloaded,
    errors.DeadlineExceeded,
    problems.MethodNotAllowed,
)

REPLIES = "A whole reply, or with `stream: true` its events"
DONE = f"{REPLIES}, ended by `data: [DONE]`"

CHAT_EXAMPLE: Schema = {
    "model": "support-haiku",
    "messages": [{"role": "developer", "content": "Answer in one sentence."}, {"role": "user", "content": "What is a quarry?"}],
    "max_completion_tokens": 200,
    "stream": True,
    "stream_options": {"include_usage": True},
}
RESPONSE_EXAMPLE: Schema = {
    "model": "support-haiku",
    "instructions": "Answer in one sentence.",
    "input": [{"type": "message", "role": "user", "content": "What is a quarry?"}],
    "max_output_tokens": 200,
}
COMPLETION_EXAMPLE: Schema = {"model": "llama3-support", "prompt": "A quarry is", "max_tokens": 60, "stop": ["\n\n"]}
EMBEDDING_EXAMPLE: Schema = {"model": "titan-embed", "input": ["What is a quarry?", "A place to dig stone."], "dimensions": 512}


class Endpoint(NamedTuple):
    """A row of the document: an endpoint that is posted a body, answers whole, and can stream.

    Attributes:
        event: What one event of its stream holds; ``None`` where it does not stream.
        raises: What it can answer besides what any route can.
    """

    name: str
    summary: str
    body: type[msgspec.Struct]
    example: Schema
    reply: type[msgspec.Struct]
    event: Any = None
    replies: str = REPLIES
    raises: tuple[type[errors.GatewayError], ...] = CHAT


ENDPOINTS: dict[str, Endpoint] = {
    "/v1/chat/completions": Endpoint(
        name="createChatCompletion",
        summary="Answer a conversation, whole or as a stream",
        body=wire.ChatCompletionBody,
        example=CHAT_EXAMPLE,
        reply=wire.ChatCompletion,
        event=wire.ChatCompletionChunk,
        replies=DONE,
    ),
    "/v1/completions": Endpoint(
        name="createCompletion",
        summary="Complete prompts as they stand, whole or as a stream",
        body=completions.CompletionBody,
        example=COMPLETION_EXAMPLE,
        reply=completions.Completion,
        event=completions.CompletionChunk,
        replies=DONE,
    ),
    rendering.PATH: Endpoint(
        name="renderChat",
        summary="Show the exact body that a chat completion would become, target by target, and ask nobody",
        body=wire.ChatCompletionBody,
        example=CHAT_EXAMPLE,
        reply=rendering.Rendering,
        replies="What would be sent",
        raises=(errors.InvalidRequest, errors.BodyTooLarge, errors.UnsupportedEncoding, errors.ModelNotFound),
    ),
    "/v1/responses": Endpoint(
        name="createResponse",
        summary="Answer input items, whole or as typed events",
        body=responses.ResponseBody,
        example=RESPONSE_EXAMPLE,
        reply=responses_reply.Response,
        event=ResponseEvent,
    ),
    "/v1/embeddings": Endpoint(
        name="createEmbedding",
        summary="Make a vector of each text",
        body=embeddings.EmbeddingBody,
        example=EMBEDDING_EXAMPLE,
        reply=embeddings.EmbeddingList,
        replies="The vectors, in the order of the texts",
    ),
}

REPLY_HEADERS = {
    "x-request-id": "The request's id: the caller's own when it was well formed.",
    "x-quarry-target": "The target that answered.",
    "x-quarry-attempts": "How many attempts it took.",
    "x-quarry-ignored-parameters": "Parameters that were accepted and had no effect.",
    "x-quarry-cold-start-seconds": "How long the request was held for a cold model.",
    "server-timing": "Where the time went, in milliseconds.",
}
RETRY_AFTER = {"retry-after": "Whole seconds after which trying again makes sense."}
TEMPLATE = "#/components/schemas/{name}"
KEY_HEADERS = ("x-api-key", "api-key")


def document(version: str) -> Schema:
    """The whole document.

    Args:
        version: The gateway's own.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "Quarry", "version": version, "summary": "One OpenAI-like endpoint to custom models on Amazon Bedrock"},
        "security": [{"bearer": []}, *({name: []} for name in KEY_HEADERS)],
        "paths": _paths(),
        "components": {"schemas": _components(), "securitySchemes": _security_schemes()},
    }


def route(guard: Guard, *, version: str) -> HTTPRouteHandler:
    """The handler; any key may read the document."""
    body = msgspec.json.encode(document(version))

    @get("/schema/openapi.json")
    async def read_document(request: Request[Any, Any, Any]) -> Response[bytes]:
        guard.key(request.scope["headers"])
        return Response(body, media_type="application/json")

    return read_document


def _paths() -> Schema:
    model = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}, "description": "An alias."}
    prometheus = {"description": "Prometheus' text format", "content": {"text/plain": {"schema": {"type": "string"}}}}
    itself = {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {
        **{path: {"post": _posted(endpoint)} for path, endpoint in ENDPOINTS.items()},
        **anthropic.paths(),
        **bedrock.paths(),
        "/v1/models": {"get": _read("listModels", "The aliases that the key may use", _json("The aliases", wire.ModelList))},
        "/v1/models/{model}": {
            "get": _read("readModel", "One alias", _json("The alias", wire.Model), errors.ModelNotFound) | {"parameters": [model]}
        },
        "/healthz": {"get": _public("healthz", "Whether the process lives", {"200": _word("It does")})},
        "/readyz": {
            "get": _public("readyz", "Whether it takes new work", {"200": _word("It does"), "503": _word("It is draining")})
        },
        "/metrics": {"get": _read("metrics", 'Metrics; needs the scope "metrics" or an admin one', prometheus)},
        "/schema/openapi.json": {"get": _read("openapi", "This document", itself)},
    }


def _posted(endpoint: Endpoint) -> Schema:
    whole = _json(endpoint.replies, endpoint.reply)
    if endpoint.event is not None:
        whole["content"]["text/event-stream"] = {"schema": _reference(endpoint.event)}
    whole["headers"] = _headers(REPLY_HEADERS)
    return {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _reference(endpoint.body), "example": endpoint.example}},
        },
        "responses": {"200": whole, **_problems(ANY_ROUTE + endpoint.raises)},
    }


def _read(name: str, summary: str, found: Schema, *more: type[errors.GatewayError]) -> Schema:
    return {"operationId": name, "summary": summary, "responses": {"200": found, **_problems(ANY_ROUTE + more)}}


def _public(name: str, summary: str, responses: Schema) -> Schema:
    return {"operationId": name, "summary": summary, "security": [], "responses": responses}


def _word(description: str) -> Schema:
    schema = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problems(classes: tuple[type[errors.GatewayError], ...]) -> Schema:
    """One response per status, telling its codes apart."""
    lines: dict[int, list[str]] = {}
    for kind in classes:
        says = (
            (inspect.getdoc(kind) or "").partition("\n")[0].replace("``", "`")
            if kind is not errors.GatewayError
            else "The gateway's own fault."
        )
        lines.setdefault(kind.status, []).append(f"`{kind.code or kind.type}`: {says}")
    return {str(status): _problem(status, "\n".join(said)) for status, said in sorted(lines.items())}


def _problem(status: int, description: str) -> Schema:
    problem = _json(description, wire.ErrorEnvelope)
    problem["headers"] = _headers({"x-request-id": REPLY_HEADERS["x-request-id"]} | (RETRY_AFTER if status in {429, 503} else {}))
    return problem


def _json(description: str, kind: Any) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": _reference(kind)}}}


def _headers(described: dict[str, str]) -> Schema:
    return {name: {"description": says, "schema": {"type": "string"}} for name, says in described.items()}


def _reference(kind: Any) -> Schema:
    """A component's reference; of a union of components what tells them apart, too."""
    (schema,), _ = msgspec.json.schema_components((kind,), ref_template=TEMPLATE)
    return schema


def _components() -> Schema:
    posted = [kind for _, _, body, _, reply, event, *_ in ENDPOINTS.values() for kind in (body, reply, event) if kind]
    kinds = (*posted, *anthropic.KINDS, *bedrock.KINDS, wire.Model, wire.ModelList, wire.ErrorEnvelope)
    _, components = msgspec.json.schema_components(kinds, ref_template=TEMPLATE)
    # Docstrings quote names as reStructuredText does; readers of the document expect Markdown.
    markdown: Schema = msgspec.json.decode(msgspec.json.encode(components).replace(b"``", b"`"))
    return markdown


def _security_schemes() -> Schema:
    bearer = {"type": "http", "scheme": "bearer", "description": "A gateway key."}
    sigv4 = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4, by a gateway-issued pair.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }
    return {"bearer": bearer, "sigv4": sigv4} | {name: {"type": "apiKey", "in": "header", "name": name} for name in KEY_HEADERS}
