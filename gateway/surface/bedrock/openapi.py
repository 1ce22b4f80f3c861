"""Bedrock's operations for the OpenAPI document: rows as its own are, in AWS's shapes. Made from the wire and the errors."""

import inspect
from typing import Any

from gateway import errors
from gateway.errors import GatewayError
from gateway.surface import problems
from gateway.surface.bedrock import wire
from gateway.surface.bedrock.headers import PASSED_ON
from gateway.surface.bedrock.problems import name_of

Schema = dict[str, Any]

KINDS = (wire.ConverseBody, wire.ConverseReply, wire.Problem)
"""The components that the operations refer to."""

RAISES: tuple[type[GatewayError], ...] = (
    errors.GatewayError,
    errors.InvalidRequest,
    errors.BodyTooLarge,
    errors.NotAuthenticated,
    errors.ModelNotAllowed,
    errors.ModelNotFound,
    errors.UpstreamThrottled,
    errors.UpstreamUnavailable,
    errors.UpstreamRefused,
    errors.ModelFailed,
    errors.GuardrailFailed,
    errors.ModelNotReady,
    errors.NoTargetAvailable,
    errors.DeadlineExceeded,
)

EXAMPLE: Schema = {
    "system": [{"text": "Answer in one sentence."}],
    "messages": [{"role": "user", "content": [{"text": "What is a quarry?"}]}],
    "inferenceConfig": {"maxTokens": 200, "temperature": 0.2},
}

_FRAMES = {"application/vnd.amazon.eventstream": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}}
_NATIVE: Schema = {"application/json": {"schema": {"type": "object", "description": "The native body of the model's family."}}}
_CONVERSE: Schema = {"application/json": {"schema": {"$ref": "#/components/schemas/ConverseBody"}, "example": EXAMPLE}}
_REPLY: Schema = {"application/json": {"schema": {"$ref": "#/components/schemas/ConverseReply"}}}


def paths() -> Schema:
    """Every path of Bedrock's protocol."""
    alias = {
        "name": "alias",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "An alias, as one label.",
    }
    native = [{"name": name.decode(), "in": "header", "schema": {"type": "string"}} for name in sorted(PASSED_ON)]
    return {
        "/bedrock/model/{alias}/invoke": {
            "post": _operation("invokeModel", "Hand a native body on, and its reply back", _NATIVE, _NATIVE, [alias, *native])
        },
        "/bedrock/model/{alias}/invoke-with-response-stream": {
            "post": _operation(
                "invokeModelWithResponseStream", "The same, as a stream of chunks", _NATIVE, _FRAMES, [alias, *native]
            )
        },
        "/bedrock/model/{alias}/converse": {
            "post": _operation("converse", "Answer a conversation in Bedrock's own form", _CONVERSE, _REPLY, [alias])
        },
        "/bedrock/model/{alias}/converse-stream": {
            "post": _operation("converseStream", "The same, as a stream of events", _CONVERSE, _FRAMES, [alias])
        },
    }


def _operation(name: str, summary: str, body: Schema, reply: Schema, parameters: list[Schema]) -> Schema:
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"bearer": []}, {"sigv4": []}],
        "parameters": parameters,
        "requestBody": {"required": True, "content": body},
        "responses": {"200": {"description": "As AWS's API reference describes it", "content": reply}, **_problems()},
    }


def _problems() -> Schema:
    lines: dict[int, list[str]] = {}
    for kind in (*RAISES, problems.MethodNotAllowed):
        name, status = name_of(kind("POST"))
        says = (inspect.getdoc(kind) or "").partition("\n")[0] if kind is not GatewayError else "The gateway's own fault."
        lines.setdefault(status, []).append(f"`{name}`: {says}")
    return {str(status): _problem("\n".join(said)) for status, said in sorted(lines.items())}


def _problem(description: str) -> Schema:
    header = {"description": "The error's name, as SDKs raise it.", "schema": {"type": "string"}}
    return {
        "description": description,
        "headers": {"x-amzn-errortype": header},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
