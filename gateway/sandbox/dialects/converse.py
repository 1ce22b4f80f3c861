"""Converse: one body for all chat models. Source: botocore's service model 2023-09-30; event order as recorded."""

import base64
import json
from collections.abc import Iterable, Sequence

from gateway.sandbox.conversation import Answer, Ask, Role, Tool, Turn
from gateway.sandbox.dialects import turns as form
from gateway.sandbox.dialects.dialect import Json, Origin
from gateway.sandbox.errors import invalid
from gateway.sandbox.schema import Schema, closed, number

REASONS = {"stop": "end_turn", "length": "max_tokens", "stop_sequence": "stop_sequence", "tool": "tool_use"}

_DOCUMENT: Schema = {
    "type": "object",
    "required": ["name", "source"],
    "properties": {"name": {"type": "string"}, "format": {"type": "string"}, "source": {"type": "object"}},
}
_RESULT: Schema = {
    "type": "object",
    "required": ["toolUseId", "content"],
    "properties": {
        "toolUseId": {"type": "string"},
        "content": {
            "type": "array",
            "items": {"type": "object", "properties": {"text": {"type": "string"}, "document": _DOCUMENT}},
        },
        "status": {"type": "string", "enum": ["success", "error"]},
    },
}
_USE: Schema = {
    "type": "object",
    "required": ["toolUseId", "name", "input"],
    "properties": {"toolUseId": {"type": "string"}, "name": {"type": "string"}, "input": {"type": "object"}},
}
BLOCKS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"text": {"type": "string"}, "document": _DOCUMENT, "toolUse": _USE, "toolResult": _RESULT},
    },
}
MESSAGES: Schema = {
    "type": "array",
    "minItems": 1,
    "items": closed(
        {
            "role": {"type": "string", "enum": ["user", "assistant"]},
            "content": BLOCKS | {"minItems": 1},
        },
        "role",
        "content",
    ),
}
_TOOL_SPEC = closed(
    {
        "name": {"type": "string", "minLength": 1, "maxLength": 64},
        "description": {"type": "string", "minLength": 1},
        "inputSchema": closed({"json": {"type": "object"}}, "json"),
        "strict": {"type": "boolean"},
    },
    "name",
    "inputSchema",
)
_TOOL = {"type": "object", "properties": {"toolSpec": _TOOL_SPEC}}
_CHOICE = closed({"auto": {"type": "object"}, "any": {"type": "object"}, "tool": closed({"name": {"type": "string"}}, "name")})
_STRUCTURE: Schema = {"type": "object", "properties": {"jsonSchema": {"type": "object"}}}
_FORMAT: Schema = {"type": "object", "properties": {"structure": _STRUCTURE}}
_OUTPUT: Schema = {"type": "object", "properties": {"textFormat": _FORMAT}}
TOOL_CONFIG: Schema = closed({"tools": {"type": "array", "items": _TOOL, "minItems": 1}, "toolChoice": _CHOICE}, "tools")
SCHEMA: Schema = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "messages": MESSAGES,
        "system": BLOCKS,
        "inferenceConfig": closed(
            {
                "maxTokens": {"type": "integer", "minimum": 1},
                "temperature": number(0, 1),
                "topP": number(0, 1),
                "stopSequences": {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 2500},
            }
        ),
        "toolConfig": TOOL_CONFIG,
        "outputConfig": _OUTPUT,
        "guardrailConfig": closed(
            {
                "guardrailIdentifier": {"type": "string"},
                "guardrailVersion": {"type": "string"},
                "trace": {"type": "string", "enum": ["enabled", "disabled", "enabled_full"]},
                "streamProcessingMode": {"type": "string", "enum": ["sync", "async"]},
            },
            "guardrailIdentifier",
            "guardrailVersion",
        ),
    },
}


def ask(body: Json, origin: Origin, *, max_tokens: int, stop: Sequence[str]) -> Ask:
    """The question in a body that is known to be well formed.

    Raises:
        AwsError: The conversation has not the form that Bedrock demands, or tools are offered to a model that has none.
    """
    form.check(body)
    specs = [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", ()) if "toolSpec" in tool]
    if specs and not origin.model.base.tools:
        raise invalid("This model doesn't support tool use.")
    turns = tuple(_turns(body))
    return Ask(
        turns,
        "\n".join([*(turn.text for turn in turns), *(json.dumps(spec) for spec in specs)]),
        max_tokens,
        stop=tuple(stop),
        tools=tuple(Tool(spec["name"], spec.get("description", ""), spec["inputSchema"]["json"]) for spec in specs),
        tool_choice=_choice(body.get("toolConfig", {}).get("toolChoice", {"auto": {}})),
        schema=_schema(body),
        images=sum("image" in block for message in body["messages"] for block in message["content"]),
    )


def _choice(choice: Json) -> str:
    return str(choice["tool"].get("name", "auto")) if "tool" in choice else next(iter(choice), "auto")


def _schema(body: Json) -> Json | None:
    wanted = body.get("outputConfig", {}).get("textFormat", {}).get("structure", {}).get("jsonSchema", {}).get("schema")
    return schema_in(wanted) if isinstance(wanted, str) else None


def schema_in(text: str) -> Json:
    """A JSON Schema given as text.

    Raises:
        AwsError: It is no JSON object.
    """
    try:
        schema = json.loads(text)
    except ValueError:
        raise invalid("The JSON schema that you provided is not valid JSON.") from None
    if not isinstance(schema, dict):
        raise invalid("The JSON schema that you provided is not an object.")
    return schema


def _turns(body: Json) -> Iterable[Turn]:
    system = _text(body.get("system", ()))
    if system:
        yield Turn("system", system)
    for message in body["messages"]:
        for block in message["content"]:
            if "toolResult" in block:
                yield Turn("tool", _text(block["toolResult"].get("content", ())))
        role: Role = message["role"]
        text = _text(message["content"])
        if text:
            yield Turn(role, text)


def _text(blocks: Iterable[Json]) -> str:
    return "\n".join(text for text in map(_shown, blocks) if text)


def _shown(block: Json) -> str:
    """What a block says; of documents only those of text are read."""
    if "json" in block:
        return json.dumps(block["json"])
    document = block.get("document", {})
    if document.get("format") in {"txt", "md", "csv", "html"}:
        try:
            return base64.b64decode(document["source"]["bytes"], validate=True).decode()
        except (KeyError, TypeError, ValueError):
            raise invalid("The document could not be read. Check its source, and try again.") from None
    return str(block.get("text") or "")


def tool_use(name: str, origin: Origin) -> Json:
    """The head of a tool call; its id has the form of Bedrock's."""
    return {"toolUseId": f"tooluse_{origin.seed[:22]}", "name": name}


def whole(answer: Answer, origin: Origin) -> Json:
    content: list[Json] = [{"text": answer.text}] if answer.pieces or not answer.call else []
    if answer.call:
        content.append({"toolUse": tool_use(answer.call.name, origin) | {"input": answer.call.arguments}})
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": REASONS[answer.end],
        "usage": usage(answer),
    }


def usage(answer: Answer) -> dict[str, int]:
    """Converse's counts."""
    return {
        "inputTokens": answer.input_tokens,
        "outputTokens": answer.output_tokens,
        "totalTokens": answer.input_tokens + answer.output_tokens,
    }


def events(answer: Answer, origin: Origin, fields: Json, latency_ms: int) -> list[tuple[str, Json, int]]:
    """The stream's events as (type, payload, tokens), the usage after ``messageStop``.

    Args:
        fields: Further members of ``messageStop``.
    """
    told: list[tuple[str, Json, int]] = [("messageStart", {"role": "assistant"}, 0)]
    index = 0
    if answer.pieces or not answer.call:
        told += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}}, 1) for piece in answer.pieces]
        told.append(("contentBlockStop", {"contentBlockIndex": 0}, 0))
        index = 1
    if answer.call:
        head = {"contentBlockIndex": index, "start": {"toolUse": tool_use(answer.call.name, origin)}}
        told.append(("contentBlockStart", head, 0))
        for piece in answer.call_pieces:
            told.append(("contentBlockDelta", {"contentBlockIndex": index, "delta": {"toolUse": {"input": piece}}}, 1))
        told.append(("contentBlockStop", {"contentBlockIndex": index}, 0))
    told.append(("messageStop", {"stopReason": REASONS[answer.end]} | fields, 0))
    told.append(("metadata", {"usage": usage(answer), "metrics": {"latencyMs": latency_ms}}, 0))
    return told
