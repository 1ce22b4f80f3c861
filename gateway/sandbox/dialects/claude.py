"""Anthropic Claude Messages, as Bedrock takes them. Source: AWS "Anthropic Claude Messages API" page, recordings of 2025.

Structure is refused in Bedrock's words, sense (roles, ceilings) in Anthropic's.
"""

import json
from collections.abc import Iterable
from typing import Any

from gateway.sandbox.conversation import Answer, Ask, Role, Tool, Turn
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.errors import invalid
from gateway.sandbox.schema import Schema, closed, integer, number, strings

VERSION = "bedrock-2023-05-31"

_REASONS = {"stop": "end_turn", "length": "max_tokens", "stop_sequence": "stop_sequence", "tool": "tool_use"}

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
        "cache_control": {"type": "object"},
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

SCHEMA: Schema = closed(
    {
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
        "output_config": closed({"format": _OUTPUT_FORMAT}),
    },
    "anthropic_version",
    "max_tokens",
    "messages",
)

_BLOCKS = {
    "user": {"text": "text", "image": "source", "tool_result": "tool_use_id"},
    "assistant": {"text": "text", "tool_use": "name"},
}


def read(body: Json, origin: Origin) -> Ask:
    require(body, SCHEMA)
    _check_sense(body, origin)
    turns = _turns(body)
    tools = body.get("tools", [])
    choice = body.get("tool_choice", {"type": "auto"})
    schema = body.get("output_config", {}).get("format", {}).get("schema")
    return Ask(
        turns,
        "\n".join([*(turn.text for turn in turns), *(json.dumps(tool) for tool in tools)]),
        body["max_tokens"],
        stop=tuple(body.get("stop_sequences", ())),
        tools=tuple(Tool(tool["name"], tool.get("description", ""), tool["input_schema"]) for tool in tools),
        tool_choice=choice["name"] if choice["type"] == "tool" else choice["type"],
        schema=schema,
        images=sum(block["type"] == "image" for message in body["messages"] for block in _blocks(message["content"])),
    )


def _check_sense(body: Json, origin: Origin) -> None:
    """What the schema cannot say, in Anthropic's words."""
    base = origin.model.base
    if body["max_tokens"] > base.max_tokens:
        raise invalid(
            f"max_tokens: {body['max_tokens']} > {base.max_tokens}, which is the maximum allowed number of output tokens for "
            f"{_model_name(origin)}"
        )
    if body["messages"][0]["role"] != "user":
        raise invalid('messages: first message must use the "user" role')
    _check_tool_choice(body)
    called: set[str] = set()
    for position, message in enumerate(body["messages"]):
        is_last = position == len(body["messages"]) - 1
        _check_message(message, position, called, is_last=is_last)


def _check_tool_choice(body: Json) -> None:
    choice = body.get("tool_choice")
    names = [tool["name"] for tool in body.get("tools", [])]
    if choice is None:
        return
    if not names:
        raise invalid("tool_choice may only be specified while providing tools.")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise invalid(f"tool_choice.tool.name: Tool '{choice.get('name')}' not found in provided tools")


def _check_message(message: Json, position: int, called: set[str], *, is_last: bool) -> None:
    blocks = _blocks(message["content"])
    is_empty = not blocks or all(block["type"] == "text" and block.get("text") == "" for block in blocks)
    if is_empty and not (is_last and message["role"] == "assistant"):
        raise invalid("messages: text content blocks must be non-empty" if blocks else f"messages.{position}: content is empty")
    known = _BLOCKS[message["role"]]
    for index, block in enumerate(blocks):
        where = f"messages.{position}.content.{index}"
        if block["type"] not in known:
            raise invalid(f"{where}: Input tag '{block['type']}' found using 'type' does not match any of the expected tags")
        if known[block["type"]] not in block:
            raise invalid(f"{where}.{block['type']}.{known[block['type']]}: Field required")
        if block["type"] == "tool_use":
            called.add(block.get("id", ""))
        elif block["type"] == "tool_result" and block["tool_use_id"] not in called:
            raise invalid(f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}")


def _blocks(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _turns(body: Json) -> tuple[Turn, ...]:
    system = [Turn("system", _text(_blocks(body["system"])))] if body.get("system") else []
    return (*system, *(turn for message in body["messages"] for turn in _message_turns(message)))


def _message_turns(message: Json) -> Iterable[Turn]:
    """Tool results are turns of their own, so that the model knows what it was told last."""
    blocks = _blocks(message["content"])
    for block in blocks:
        if block["type"] == "tool_result":
            yield Turn("tool", _text(_blocks(block.get("content", ""))))
    role: Role = message["role"]
    text = _text(blocks)
    if text:
        yield Turn(role, text)


def _text(blocks: list[Json]) -> str:
    return "\n".join(block["text"] for block in blocks if block.get("type") == "text")


def _model_name(origin: Origin) -> str:
    return origin.model.base.model_id.removeprefix("anthropic.").partition("-v1")[0]


def _tool_use(answer: Answer, origin: Origin) -> Json:
    name = answer.call.name if answer.call else ""
    return {"type": "tool_use", "id": f"toolu_bdrk_{origin.seed[8:32]}", "name": name, "input": {}}


def _message(origin: Origin, content: list[Json], usage: Json, **end: str | None) -> Json:
    return {
        "id": f"msg_bdrk_{origin.seed[:24]}",
        "type": "message",
        "role": "assistant",
        "model": _model_name(origin),
        "content": content,
        "stop_reason": end.get("stop_reason"),
        "stop_sequence": end.get("stop_sequence"),
        "usage": usage,
    }


def whole(answer: Answer, _ask: Ask, origin: Origin) -> Json:
    content: list[Json] = [{"type": "text", "text": answer.text}] if answer.pieces else []
    if answer.call:
        content.append(_tool_use(answer, origin) | {"input": answer.call.arguments})
    usage = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    return _message(origin, content, usage, stop_reason=_REASONS[answer.end], stop_sequence=answer.stopped_by)


def chunks(answer: Answer, _ask: Ask, origin: Origin) -> list[Chunk]:
    """Anthropic's events: one content block for the text, one for the call, then the reason and the count."""
    told = [Chunk({"type": "message_start", "message": _message(origin, [], _first_usage(answer))})]
    index = 0
    if answer.pieces or not answer.call:
        told += _block(index, {"type": "text", "text": ""}, "text_delta", "text", answer.pieces)
        index += 1
    if answer.call:
        told += _block(index, _tool_use(answer, origin), "input_json_delta", "partial_json", ("", *answer.call_pieces))
    delta = {"stop_reason": _REASONS[answer.end], "stop_sequence": answer.stopped_by}
    told.append(Chunk({"type": "message_delta", "delta": delta, "usage": {"output_tokens": answer.output_tokens}}))
    told.append(Chunk({"type": "message_stop"}))
    return told


def _first_usage(answer: Answer) -> dict[str, int]:
    return {"input_tokens": answer.input_tokens, "output_tokens": 1}


def _block(index: int, block: Json, delta_type: str, field: str, pieces: Iterable[str]) -> list[Chunk]:
    deltas: list[dict[str, Any]] = [{"type": delta_type, field: piece} for piece in pieces]
    return [
        Chunk({"type": "content_block_start", "index": index, "content_block": block}),
        *(Chunk({"type": "content_block_delta", "index": index, "delta": delta}, 1 if delta[field] else 0) for delta in deltas),
        Chunk({"type": "content_block_stop", "index": index}),
    ]


DIALECT = Dialect(read, "", whole, chunks)
