"""Cohere Command R. Source: AWS "Cohere Command R and Command R+ models" page; whole replies recorded, streams not."""

import json

from gateway.sandbox.conversation import Answer, Ask, Role, Tool, Turn
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.schema import Schema, closed, integer, number, strings

_DEFAULT_MAX_TOKENS = 4000

# The page has these words in lower case; every recording has them in upper case.
_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "stop_sequence": "COMPLETE", "tool": "COMPLETE"}
_ROLES: dict[str, Role] = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system"}
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "dict": "object"}

_TURN = closed({"role": {"type": "string", "enum": list(_ROLES)}, "message": {"type": "string"}}, "role", "message")
_DEFINITIONS: Schema = {"type": "object", "values": {"type": "object", "properties": {"type": {"type": "string"}}}}
_RESULT: Schema = {"type": "object", "properties": {"outputs": {"type": "array"}}}
_TOOL = closed(
    {"name": {"type": "string"}, "description": {"type": "string"}, "parameter_definitions": _DEFINITIONS},
    "name",
    "description",
)
SCHEMA: Schema = closed(
    {
        "message": {"type": "string"},
        "chat_history": {"type": "array", "items": _TURN},
        "preamble": {"type": "string"},
        "documents": {"type": "array", "items": {"type": "object"}},
        "search_queries_only": {"type": "boolean"},
        "max_tokens": integer(1, 4096),
        "temperature": number(0, 1),
        "p": number(0.01, 0.99),
        "k": number(0, 500),
        "frequency_penalty": number(0, 1),
        "presence_penalty": number(0, 1),
        "seed": {"type": "integer"},
        "stop_sequences": strings(5),
        "prompt_truncation": {"type": "string", "enum": ["OFF", "AUTO_PRESERVE_ORDER"]},
        "return_prompt": {"type": "boolean"},
        "raw_prompting": {"type": "boolean"},
        "tools": {"type": "array", "items": _TOOL},
        "tool_results": {"type": "array", "items": _RESULT},
    },
    "message",
)


def read(body: Json, _origin: Origin) -> Ask:
    require(body, SCHEMA)
    turns = tuple(_turns(body))
    tools = body.get("tools", [])
    return Ask(
        turns,
        "\n".join([*(turn.text for turn in turns), *(json.dumps(tool) for tool in tools)]),
        body.get("max_tokens", _DEFAULT_MAX_TOKENS),
        stop=tuple(body.get("stop_sequences", ())),
        tools=tuple(_tool(tool) for tool in tools),
        body=body,
    )


def _turns(body: Json) -> list[Turn]:
    preamble = [Turn("system", body["preamble"])] if body.get("preamble") else []
    history = [Turn(_ROLES[turn["role"]], turn["message"]) for turn in body.get("chat_history", ())]
    documents = [Turn("user", str(document.get("snippet", ""))) for document in body.get("documents", ())]
    message = [Turn("user", body["message"])] if body["message"] else []
    results = [
        Turn("tool", json.dumps(output)) for result in body.get("tool_results", ()) for output in result.get("outputs", ())
    ]
    return [*preamble, *history, *documents, *message, *results]


def _tool(tool: Json) -> Tool:
    definitions: Json = tool.get("parameter_definitions", {})
    properties = {
        name: {"type": _TYPES.get(definition.get("type", "str"), "string"), "description": definition.get("description", "")}
        for name, definition in definitions.items()
    }
    required = [name for name, definition in definitions.items() if definition.get("required")]
    return Tool(tool["name"], tool["description"], {"type": "object", "properties": properties, "required": required})


def whole(answer: Answer, ask: Ask, origin: Origin) -> Json:
    """No token counts, and a call has no id."""
    seed = origin.seed
    told: Json = {
        "response_id": f"{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-{seed[20:32]}",
        "text": answer.text,
        "generation_id": f"{seed[32:40]}-{seed[40:44]}-{seed[44:48]}-{seed[48:52]}-{seed[52:]}",
        "chat_history": [
            *ask.body.get("chat_history", ()),
            {"role": "USER", "message": ask.body["message"]},
            {"role": "CHATBOT", "message": answer.text},
        ],
        "finish_reason": _REASONS[answer.end],
    }
    return told | ({"tool_calls": _tool_calls(answer)} if answer.call else {})


def _tool_calls(answer: Answer) -> list[Json]:
    return [{"name": answer.call.name, "parameters": answer.call.arguments}] if answer.call else []


def chunks(answer: Answer, ask: Ask, origin: Origin) -> list[Chunk]:
    """Cohere's chat events; the last repeats the whole reply with what it costs."""
    response = whole(answer, ask, origin)
    told = [Chunk({"event_type": "stream-start", "is_finished": False, "generation_id": response["generation_id"]})]
    told += [Chunk({"event_type": "text-generation", "text": piece, "is_finished": False}, 1) for piece in answer.pieces]
    if answer.call:
        calls = {"event_type": "tool-calls-generation", "tool_calls": _tool_calls(answer), "is_finished": False}
        told.append(Chunk(calls, len(answer.call_pieces)))
    units = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    end = {"event_type": "stream-end", "is_finished": True, "finish_reason": _REASONS[answer.end]}
    return [*told, Chunk(end | {"response": response | {"meta": {"billed_units": units}}})]


DIALECT = Dialect(read, " ", whole, chunks)
