"""Anthropic Claude Messages, as Bedrock takes them. Source: AWS "Anthropic Claude Messages API" page, recordings of 2025.

Structure is refused in Bedrock's words, sense (roles, ceilings) in Anthropic's.
"""

import json
from collections.abc import Iterable
from typing import Any

from gateway.sandbox.conversation import Answer, Ask, Role, Tool, Turn
from gateway.sandbox.dialects.claude_rules import all_blocks, blocks_of, check_sense, is_thinking, model_name
from gateway.sandbox.dialects.claude_schema import schema_of
from gateway.sandbox.dialects.claude_seals import HIDES_THOUGHTS, redacted, seal
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require

_REASONS = {"stop": "end_turn", "length": "max_tokens", "stop_sequence": "stop_sequence", "tool": "tool_use"}


def read(body: Json, origin: Origin) -> Ask:
    require(body, schema_of(origin.model.base))
    check_sense(body, origin)
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
        thinking=body["thinking"]["budget_tokens"] if is_thinking(body) else 0,
        images=sum(block["type"] == "image" for block in all_blocks(body)),
    )


def _turns(body: Json) -> tuple[Turn, ...]:
    system = [Turn("system", _text(blocks_of(body["system"])))] if body.get("system") else []
    return (*system, *(turn for message in body["messages"] for turn in _message_turns(message)))


def _message_turns(message: Json) -> Iterable[Turn]:
    """Tool results are turns of their own, so that the model knows what it was told last."""
    blocks = blocks_of(message["content"])
    for block in blocks:
        if block["type"] == "tool_result":
            yield Turn("tool", _text(blocks_of(block.get("content", ""))))
    role: Role = message["role"]
    text = _text(blocks)
    if text:
        yield Turn(role, text)


def _text(blocks: list[Json]) -> str:
    return "\n".join(text for text in map(_read, blocks) if text is not None)


def _read(block: Json) -> str | None:
    """What can be read of a block: its text, or that of a document in plain text."""
    if block.get("type") == "document" and block["source"].get("type") == "text":
        return str(block["source"].get("data", ""))
    return block["text"] if block.get("type") == "text" else None


def _tool_use(answer: Answer, origin: Origin) -> Json:
    name = answer.call.name if answer.call else ""
    return {"type": "tool_use", "id": f"toolu_bdrk_{origin.seed[8:32]}", "name": name, "input": {}}


def _message(origin: Origin, content: list[Json], usage: Json, **end: str | None) -> Json:
    return {
        "id": f"msg_bdrk_{origin.seed[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model_name(origin),
        "content": content,
        "stop_reason": end.get("stop_reason"),
        "stop_sequence": end.get("stop_sequence"),
        "usage": usage,
    }


def _thought(answer: Answer, ask: Ask) -> Json:
    """What was thought, with its seal; hidden, if the prompt holds the text that Anthropic documents for trying it."""
    thought = "".join(answer.thought)
    if HIDES_THOUGHTS in ask.prompt:
        return {"type": "redacted_thinking", "data": redacted(thought)}
    return {"type": "thinking", "thinking": thought, "signature": seal(thought)}


def whole(answer: Answer, ask: Ask, origin: Origin) -> Json:
    content = [_thought(answer, ask)] if answer.thought else []
    if answer.pieces:
        content.append({"type": "text", "text": answer.text})
    if answer.call:
        content.append(_tool_use(answer, origin) | {"input": answer.call.arguments})
    usage = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    return _message(origin, content, usage, stop_reason=_REASONS[answer.end], stop_sequence=answer.stopped_by)


def chunks(answer: Answer, ask: Ask, origin: Origin) -> list[Chunk]:
    """Anthropic's events: a content block for the thought, the text and the call, then the reason and the count."""
    told = [Chunk({"type": "message_start", "message": _message(origin, [], _first_usage(answer))})]
    index = 0
    if answer.thought:
        told += _thought_block(answer, ask)
        index += 1
    if answer.pieces or not answer.call:
        told += _block(index, {"type": "text", "text": ""}, "text_delta", "text", answer.pieces)
        index += 1
    if answer.call:
        told += _block(index, _tool_use(answer, origin), "input_json_delta", "partial_json", ("", *answer.call_pieces))
    delta = {"stop_reason": _REASONS[answer.end], "stop_sequence": answer.stopped_by}
    told.append(Chunk({"type": "message_delta", "delta": delta, "usage": {"output_tokens": answer.output_tokens}}))
    told.append(Chunk({"type": "message_stop"}))
    return told


def _thought_block(answer: Answer, ask: Ask) -> list[Chunk]:
    """Its text in pieces, and its seal last; hidden, it comes whole."""
    thought = _thought(answer, ask)
    if thought["type"] == "redacted_thinking":
        return _block(0, thought, "", "", ())
    *told, end = _block(0, thought | {"thinking": "", "signature": ""}, "thinking_delta", "thinking", answer.thought)
    sealed = {"type": "signature_delta", "signature": thought["signature"]}
    return [*told, Chunk({"type": "content_block_delta", "index": 0, "delta": sealed}), end]


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
