"""Mistral Large (24.07), chat form. Source: AWS "Mistral AI chat completion" and "Large (24.07)" pages.

How it streams, and that a whole reply has OpenAI's envelope while a chunk has Mistral's ``stop_reason``, is what published
clients read; the words of its refusals are those of Mistral's own validator.
"""

import json
import re
from itertools import pairwise

from gateway.sandbox.conversation import Answer, Ask, Tool, Turn
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.errors import invalid
from gateway.sandbox.schema import Schema, closed, integer, number

_DEFAULT_MAX_TOKENS = 8192
_REASONS = {"stop": "stop", "length": "length", "stop_sequence": "stop", "tool": "tool_calls"}
_ID = re.compile(r"[a-zA-Z0-9]{9}")

_STRING: Schema = {"type": "string"}
_CALL = {
    "type": "object",
    "required": ["function"],
    "properties": {"id": _STRING, "function": closed({"name": _STRING, "arguments": _STRING}, "name", "arguments")},
}
_MESSAGE = closed(
    {
        "role": {"type": "string", "enum": ["system", "user", "assistant", "tool"]},
        "content": _STRING,
        "tool_calls": {"type": "array", "items": _CALL},
        "tool_call_id": _STRING,
    },
    "role",
)
_FUNCTION = closed({"name": _STRING, "description": _STRING, "parameters": {"type": "object"}}, "name", "parameters")
_TOOL = closed({"type": {"type": "string", "enum": ["function"]}, "function": _FUNCTION}, "function")
SCHEMA: Schema = closed(
    {
        "messages": {"type": "array", "items": _MESSAGE, "minItems": 1},
        "tools": {"type": "array", "items": _TOOL},
        "tool_choice": {"type": "string", "enum": ["auto", "any", "none"]},
        "max_tokens": integer(1, 8192),
        "temperature": number(0, 1),
        "top_p": number(0, 1),
    },
    "messages",
)


def read(body: Json, _origin: Origin) -> Ask:
    require(body, SCHEMA)
    _check_order(body["messages"])
    conversation = tuple(Turn(message["role"], message.get("content", "")) for message in body["messages"])
    tools = body.get("tools", [])
    return Ask(
        conversation,
        "\n".join([*(turn.text for turn in conversation), *(json.dumps(tool) for tool in tools)]),
        body.get("max_tokens", _DEFAULT_MAX_TOKENS),
        tools=tuple(_tool(tool["function"]) for tool in tools),
        tool_choice=body.get("tool_choice", "auto"),
        body=body,
    )


def _check_order(messages: list[Json]) -> None:
    for earlier, later in pairwise(messages):
        if later["role"] == "system":
            raise invalid(f"Unexpected role 'system' after role '{earlier['role']}'")
    if messages[-1]["role"] == "assistant":
        raise invalid("Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant")
    called = [call.get("id", "") for message in messages for call in message.get("tool_calls", ())]
    answered = [message.get("tool_call_id", "") for message in messages if message["role"] == "tool"]
    for identifier in (*called, *answered):
        if not _ID.fullmatch(identifier):
            raise invalid(f"Tool call id was {identifier} but must be a-z, A-Z, 0-9, with a length of 9.")


def _tool(function: Json) -> Tool:
    return Tool(function["name"], function.get("description", ""), function["parameters"])


def _tool_calls(answer: Answer, origin: Origin) -> Json:
    if answer.call is None:
        return {}
    function = {"name": answer.call.name, "arguments": "".join(answer.call_pieces)}
    return {"tool_calls": [{"id": origin.seed[:9], "type": "function", "function": function}]}


def _usage(answer: Answer) -> Json:
    total = answer.input_tokens + answer.output_tokens
    return {"prompt_tokens": answer.input_tokens, "completion_tokens": answer.output_tokens, "total_tokens": total}


def whole(answer: Answer, _ask: Ask, origin: Origin) -> Json:
    seed = origin.seed
    message = {"role": "assistant", "content": answer.text, **_tool_calls(answer, origin)}
    return {
        "id": f"{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-{seed[20:32]}",
        "object": "chat.completion",
        # The model's birthday, not today's date: the same request gives the same reply.
        "created": int(origin.model.created.timestamp()),
        "model": "mistral-large-2407",
        "choices": [{"index": 0, "message": message, "finish_reason": _REASONS[answer.end]}],
        "usage": _usage(answer),
    }


def chunks(answer: Answer, _ask: Ask, origin: Origin) -> list[Chunk]:
    """Text piece by piece; a call comes whole, with the end."""
    told = [_chunk({"content": ""}, None, 0), *(_chunk({"content": piece}, None, 1) for piece in answer.pieces)]
    last = _chunk({"content": "", **_tool_calls(answer, origin)}, _REASONS[answer.end], len(answer.call_pieces))
    return [*told, Chunk(last.body | {"usage": _usage(answer)}, last.tokens)]


def _chunk(message: Json, reason: str | None, tokens: int) -> Chunk:
    return Chunk({"choices": [{"index": 0, "message": {"role": "assistant", **message}, "stop_reason": reason}]}, tokens)


DIALECT = Dialect(read, "", whole, chunks)
