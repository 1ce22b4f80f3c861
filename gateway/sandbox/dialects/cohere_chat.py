"""Cohere Command R. Source: AWS "Cohere Command R and Command R+ models" page; whole replies recorded, streams not.

The echoed history holds the calls, as recorded, so it may be sent back with them; TOOL turns in it and the events of a
stream are those of Cohere's own v1 API.
"""

import json
import re

from gateway.sandbox.conversation import Answer, Ask, Role, Tool, Turn
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.errors import invalid
from gateway.sandbox.replies.prompts import turns as prompted
from gateway.sandbox.schema import Schema, closed, integer, number, strings

_DEFAULT_MAX_TOKENS = 4000

# The page has these words in lower case; every recording has them in upper case.
_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "stop_sequence": "COMPLETE", "tool": "COMPLETE"}
_ROLES: dict[str, Role] = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}
_TYPES = {
    "str": "string",
    "string": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}
_GENERIC = re.compile(r"(\w+)\[(.*)\]", re.DOTALL)

_CALL: Schema = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "parameters": {"type": "object"}},
}
_DEFINITIONS: Schema = {"type": "object", "values": {"type": "object", "properties": {"type": {"type": "string"}}}}
_RESULT: Schema = {
    "type": "object",
    "required": ["call", "outputs"],
    "properties": {"call": _CALL, "outputs": {"type": "array", "items": {"type": "object"}}},
}
_TURN = closed(
    {
        "role": {"type": "string", "enum": list(_ROLES)},
        "message": {"type": "string"},
        "tool_calls": {"type": "array", "items": _CALL},
        "tool_results": {"type": "array", "items": _RESULT},
    },
    "role",
)
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
    if body.get("tool_results") and not body.get("tools"):
        raise invalid("Invalid parameter combination. Please check and try again.")
    turns = prompted(body["message"]) if body.get("raw_prompting") else tuple(_turns(body))
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
    history = [told for turn in body.get("chat_history", ()) for told in _told(turn)]
    documents = [Turn("user", str(document.get("snippet", ""))) for document in body.get("documents", ())]
    message = [Turn("user", body["message"])] if body["message"] else []
    return [*preamble, *history, *documents, *message, *_answers(body)]


def _told(turn: Json) -> list[Turn]:
    return _answers(turn) if turn["role"] == "TOOL" else [Turn(_ROLES[turn["role"]], turn.get("message", ""))]


def _answers(holder: Json) -> list[Turn]:
    return [Turn("tool", json.dumps(output)) for result in holder.get("tool_results", ()) for output in result["outputs"]]


def _tool(tool: Json) -> Tool:
    definitions: Json = tool.get("parameter_definitions", {})
    properties = {
        name: _schema(definition.get("type", "str")) | {"description": definition.get("description", "")}
        for name, definition in definitions.items()
    }
    required = [name for name, definition in definitions.items() if definition.get("required")]
    return Tool(tool["name"], tool["description"], {"type": "object", "properties": properties, "required": required})


def _schema(python_type: str) -> Json:
    """A Python type such as ``List[str]`` as JSON Schema; what is none is text."""
    found = _GENERIC.fullmatch(python_type)
    if found is None:
        return {"type": _TYPES.get(python_type.lower(), "string")}
    name, inner = found.groups()
    if name in {"Optional", "Union"}:
        return _schema(inner.partition(",")[0])
    return {"type": "array", "items": _schema(inner)} if name.lower() == "list" else {"type": "object"}


def whole(answer: Answer, ask: Ask, origin: Origin) -> Json:
    """No token counts, and a call has no id."""
    seed = origin.seed
    calls: Json = {"tool_calls": _tool_calls(answer)} if answer.call else {}
    told: Json = {
        "response_id": f"{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-{seed[20:32]}",
        "text": answer.text,
        "generation_id": f"{seed[32:40]}-{seed[40:44]}-{seed[44:48]}-{seed[48:52]}-{seed[52:]}",
        "chat_history": [
            *ask.body.get("chat_history", ()),
            {"role": "USER", "message": ask.body["message"]},
            {"role": "CHATBOT", "message": answer.text, **calls},
        ],
        "finish_reason": _REASONS[answer.end],
        **calls,
    }
    if ask.body.get("return_prompt"):
        told["prompt"] = ask.prompt
    return told | ({"citations": _citations(answer)} if ask.body.get("documents") else {})


def _tool_calls(answer: Answer) -> list[Json]:
    return [{"name": answer.call.name, "parameters": answer.call.arguments}] if answer.call else []


def _citations(answer: Answer) -> list[Json]:
    return [{"start": 0, "end": len(answer.text), "text": answer.text, "document_ids": ["doc_0"]}]


def chunks(answer: Answer, ask: Ask, origin: Origin) -> list[Chunk]:
    """Cohere's chat events: a call in pieces and then whole; the last repeats the whole reply with what it costs."""
    response = whole(answer, ask, origin)
    told = [Chunk({"event_type": "stream-start", "is_finished": False, "generation_id": response["generation_id"]})]
    told += [Chunk({"event_type": "text-generation", "text": piece, "is_finished": False}, 1) for piece in answer.pieces]
    if answer.call:
        calls = {"event_type": "tool-calls-generation", "tool_calls": _tool_calls(answer), "is_finished": False}
        told += [_call_chunk(name=answer.call.name), *(_call_chunk(parameters=piece) for piece in answer.call_pieces)]
        told.append(Chunk(calls))
    if "citations" in response:
        told.append(Chunk({"event_type": "citation-generation", "citations": response["citations"], "is_finished": False}))
    units = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    end = {"event_type": "stream-end", "is_finished": True, "finish_reason": _REASONS[answer.end]}
    return [*told, Chunk(end | {"response": response | {"meta": {"billed_units": units}}})]


def _call_chunk(**delta: str) -> Chunk:
    told = {"event_type": "tool-calls-chunk", "tool_call_delta": {"index": 0, **delta}, "is_finished": False}
    return Chunk(told, 1 if "parameters" in delta else 0)


DIALECT = Dialect(read, " ", whole, chunks)
