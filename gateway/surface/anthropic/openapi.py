"""Messages for the OpenAPI document: rows as its own are, in Anthropic's shapes. Made from the wire and the errors."""

import inspect
from typing import Any

import msgspec

from gateway import errors
from gateway.errors import GatewayError
from gateway.surface import problems
from gateway.surface.anthropic.problems import word_of
from gateway.surface.anthropic.wire import replies, requests

Schema = dict[str, Any]

KINDS = (
    requests.MessageBody,
    requests.CountBody,
    replies.MessageReply,
    replies.MessageEvent,
    replies.TokenCount,
    replies.ErrorResponse,
)
"""The components that the operations refer to."""

_COUNTING: tuple[type[GatewayError], ...] = (
    GatewayError,
    errors.InvalidRequest,
    errors.BodyTooLarge,
    errors.UnsupportedEncoding,
    errors.NotAuthenticated,
    errors.ModelNotAllowed,
    errors.ModelNotFound,
    errors.Overloaded,
    problems.MethodNotAllowed,
)
_ANSWERING: tuple[type[GatewayError], ...] = (
    *_COUNTING,
    errors.ContextTooLong,
    errors.UpstreamThrottled,
    errors.UpstreamError,
    errors.ModelNotReady,
    errors.NoTargetAvailable,
    errors.DeadlineExceeded,
)

_ASKED: Schema = {
    "model": "support-haiku",
    "system": "Answer in one sentence.",
    "messages": [{"role": "user", "content": "What is a quarry?"}],
}


def paths() -> Schema:
    """Every path of Anthropic's protocol."""
    streamed = {"text/event-stream": {"schema": _reference(replies.MessageEvent)}}
    message = {
        "operationId": "createMessage",
        "summary": "Answer in Anthropic's form, whole or as named events",
        "requestBody": _body(requests.MessageBody, _ASKED | {"max_tokens": 200}),
        "responses": {
            "200": _found("The message, or with `stream: true` its events", _json(replies.MessageReply) | streamed),
            **_problems(_ANSWERING),
        },
    }
    count = {
        "operationId": "countTokens",
        "summary": "Count the tokens of a prompt; `x-quarry-count` says whether they are `exact` or an `estimate`",
        "requestBody": _body(requests.CountBody, _ASKED),
        "responses": {"200": _found("The count", _json(replies.TokenCount)), **_problems(_COUNTING)},
    }
    return {"/v1/messages": {"post": message}, "/v1/messages/count_tokens": {"post": count}}


def _body(kind: type[msgspec.Struct], example: Schema) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": _reference(kind), "example": example}}}


def _found(description: str, content: Schema) -> Schema:
    return {"description": description, "headers": _request_id(), "content": content}


def _problems(kinds: tuple[type[GatewayError], ...]) -> Schema:
    lines: dict[int, list[str]] = {}
    for kind in kinds:
        word, status = word_of(kind("POST"))
        says = (inspect.getdoc(kind) or "").partition("\n")[0] if kind is not GatewayError else "The gateway's own fault."
        lines.setdefault(status, []).append(f"`{word}`: {says.replace('``', '`')}")
    return {str(status): _problem("\n".join(said)) for status, said in sorted(lines.items())}


def _problem(description: str) -> Schema:
    return {"description": description, "headers": _request_id(), "content": _json(replies.ErrorResponse)}


def _request_id() -> Schema:
    return {"request-id": {"description": "The request's id, as the SDKs show it.", "schema": {"type": "string"}}}


def _json(kind: Any) -> Schema:
    return {"application/json": {"schema": _reference(kind)}}


def _reference(kind: Any) -> Schema:
    (schema,), _ = msgspec.json.schema_components((kind,), ref_template="#/components/schemas/{name}")
    return schema
