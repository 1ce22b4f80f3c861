"""Amazon Nova, native form: Converse's shapes in an envelope of its own. Source: AWS Nova user guides, recordings of 2025.

Of a tool's schema Nova takes three keys at the top (tool-use-definition), of documents none (invoke), of cache points none
among the tools (prompt-caching).
"""

from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.dialects import converse
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.errors import malformed
from gateway.sandbox.schema import Schema, closed, integer, number, strings

_INFERENCE = closed(
    {
        "maxTokens": {"type": "integer", "minimum": 1},
        "max_new_tokens": {"type": "integer", "minimum": 1},
        "temperature": number(0, 1),
        "topP": number(0, 1),
        "topK": integer(0, 128),
        "stopSequences": strings(4),
        "reasoningConfig": closed(
            {
                "type": {"type": "string", "enum": ["enabled", "disabled"]},
                "maxReasoningEffort": {"type": "string", "enum": ["low", "medium", "high"]},
            },
            "type",
        ),
    }
)
_INPUT = closed({"type": {"type": "string", "enum": ["object"]}, "properties": {"type": "object"}, "required": strings(1000)})
_TOOL_SPEC = closed(
    {
        "name": {"type": "string", "minLength": 1, "maxLength": 64},
        "description": {"type": "string", "minLength": 1},
        "inputSchema": closed({"json": _INPUT}, "json"),
    },
    "name",
    "inputSchema",
)
TOOL_CONFIG: Schema = closed(
    {
        "tools": {"type": "array", "items": closed({"toolSpec": _TOOL_SPEC}), "minItems": 1},
        "toolChoice": converse.TOOL_CONFIG["properties"]["toolChoice"],
    },
    "tools",
)
SCHEMA: Schema = closed(
    {
        "schemaVersion": {"type": "string", "enum": ["messages-v1"]},
        "system": converse.BLOCKS,
        "messages": converse.MESSAGES,
        "inferenceConfig": _INFERENCE,
        "toolConfig": TOOL_CONFIG,
    },
    "messages",
)


def read(body: Json, origin: Origin) -> Ask:
    require(body, SCHEMA)
    _check_contents(body)
    inference = body.get("inferenceConfig", {})
    maximum = inference.get("maxTokens", inference.get("max_new_tokens", origin.model.base.max_tokens))
    return converse.ask(body, origin, max_tokens=maximum, stop=tuple(inference.get("stopSequences", ())))


def _check_contents(body: Json) -> None:
    for turn, message in enumerate(body["messages"]):
        for index, block in enumerate(message["content"]):
            if "document" in block:
                raise malformed([f"#/messages/{turn}/content/{index}: extraneous key [document] is not permitted"])


def whole(answer: Answer, _ask: Ask, origin: Origin) -> Json:
    return converse.whole(answer, origin)


def chunks(answer: Answer, _ask: Ask, origin: Origin) -> list[Chunk]:
    """Every text delta has an index of its own and is followed by a stop, as recorded; usage has no total."""
    told = [Chunk({"messageStart": {"role": "assistant"}})]
    for index, piece in enumerate(answer.pieces):
        told.append(Chunk({"contentBlockDelta": {"delta": {"text": piece}, "contentBlockIndex": index}}, 1))
        told.append(Chunk({"contentBlockStop": {"contentBlockIndex": index}}))
    told += _call_chunks(answer, origin, len(answer.pieces))
    told.append(Chunk({"messageStop": {"stopReason": converse.REASONS[answer.end]}}))
    usage = {
        "inputTokens": answer.input_tokens,
        "outputTokens": answer.output_tokens,
        "cacheReadInputTokenCount": 0,
        "cacheWriteInputTokenCount": 0,
    }
    return [*told, Chunk({"metadata": {"usage": usage, "metrics": {}, "trace": {}}})]


def _call_chunks(answer: Answer, origin: Origin, index: int) -> list[Chunk]:
    if answer.call is None:
        return []
    start = {"start": {"toolUse": converse.tool_use(answer.call.name, origin)}, "contentBlockIndex": index}
    arguments = "".join(answer.call_pieces)
    delta = {"delta": {"toolUse": {"input": arguments}}, "contentBlockIndex": index}
    return [
        Chunk({"contentBlockStart": start}),
        Chunk({"contentBlockDelta": delta}, len(answer.call_pieces)),
        Chunk({"contentBlockStop": {"contentBlockIndex": index}}),
    ]


DIALECT = Dialect(read, "", whole, chunks)
