"""What Claude's body may hold, by generation. Source: AWS "Anthropic Claude Messages API" and "structured-output" pages.

Bedrock judges the fields of a body by the model: what a model cannot do is a field that it does not know.
"""

from gateway.sandbox.models import Base
from gateway.sandbox.schema import Schema, closed, integer, number, strings

VERSION = "bedrock-2023-05-31"

_CACHE_CONTROL = closed(
    {"type": {"type": "string", "enum": ["ephemeral"]}, "ttl": {"type": "string", "enum": ["5m", "1h"]}}, "type"
)
_PLAIN_BLOCK: Schema = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": {"type": "string"}, "text": {"type": "string"}},
}
_BLOCK: Schema = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"type": "string"},
        "text": {"type": "string"},
        "id": {"type": "string"},
        "name": {"type": "string"},
        "input": {"type": "object"},
        "source": {"type": "object"},
        "tool_use_id": {"type": "string"},
        "content": {"type": ["string", "array"], "items": _PLAIN_BLOCK},
        "is_error": {"type": "boolean"},
        "thinking": {"type": "string"},
        "signature": {"type": "string"},
        "data": {"type": "string"},
        "title": {"type": "string"},
        "cache_control": _CACHE_CONTROL,
    },
}
_TEXT_OR_BLOCKS: Schema = {"type": ["string", "array"], "items": _BLOCK}
_MESSAGE = closed({"role": {"type": "string", "enum": ["user", "assistant"]}, "content": _TEXT_OR_BLOCKS}, "role", "content")
_TOOL = closed(
    {
        "type": {"type": "string", "enum": ["custom"]},
        "name": {"type": "string", "minLength": 1, "maxLength": 64},
        "description": {"type": "string"},
        "input_schema": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "enum": ["object"]}}},
        "strict": {"type": "boolean"},
        "cache_control": _CACHE_CONTROL,
    },
    "name",
    "input_schema",
)
_TOOL_CHOICE = closed(
    {
        "type": {"type": "string", "enum": ["auto", "any", "tool", "none"]},
        "name": {"type": "string"},
        "disable_parallel_tool_use": {"type": "boolean"},
    },
    "type",
)
_OUTPUT_FORMAT = closed({"type": {"type": "string", "enum": ["json_schema"]}, "schema": {"type": "object"}}, "type", "schema")

_THINKING = closed({"type": {"type": "string", "enum": ["enabled", "disabled"]}, "budget_tokens": {"type": "integer"}}, "type")
_FIELDS: dict[str, Schema] = {
    "anthropic_version": {"type": "string", "enum": [VERSION]},
    "anthropic_beta": strings(64),
    "max_tokens": {"type": "integer", "minimum": 1},
    "messages": {"type": "array", "items": _MESSAGE, "minItems": 1},
    "system": _TEXT_OR_BLOCKS,
    "temperature": number(0, 1),
    "top_p": number(0, 1),
    "top_k": integer(0, 500),
    "stop_sequences": strings(8191),
    "tools": {"type": "array", "items": _TOOL},
    "tool_choice": _TOOL_CHOICE,
    "metadata": {"type": "object"},
}
_REQUIRED = ("anthropic_version", "max_tokens", "messages")


def schema_of(base: Base) -> Schema:
    """The fields that this model knows."""
    fields = dict(_FIELDS)
    if base.thinks:
        fields["thinking"] = _THINKING
    if base.enforces:
        fields["output_config"] = closed({"format": _OUTPUT_FORMAT})
    return closed(fields, *_REQUIRED)
