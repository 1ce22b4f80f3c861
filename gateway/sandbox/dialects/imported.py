"""Imported models since 2025-11-11: three formats on one ARN, told apart by the names of the fields.

Source: AWS "Invoke your imported model" and "Advanced API features" pages. How such a model streams is documented
nowhere; the chunks here are those that published clients of imported models expect. Unknown fields are ignored,
as AWS says; fields that exist are still checked.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from gateway.sandbox.conversation import Answer, Ask, Role, Tool, Turn
from gateway.sandbox.dialects import llama
from gateway.sandbox.dialects.converse import schema_in
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.errors import invalid
from gateway.sandbox.profiles import ACCOUNT
from gateway.sandbox.replies import likelihoods
from gateway.sandbox.replies.offers import offered
from gateway.sandbox.replies.prompts import turns
from gateway.sandbox.schema import Schema

_DEFAULT_MAX_TOKENS = 512
_REASONS = {"stop": "stop", "length": "length", "stop_sequence": "stop", "tool": "tool_calls"}

_STOP: Schema = {"type": ["string", "array", "null"], "items": {"type": "string"}}
_SHARED: dict[str, Schema] = {
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "n": {"type": "integer", "minimum": 1},
    "stop": _STOP,
    "max_tokens": {"type": "integer", "minimum": 1},
    "max_gen_len": {"type": "integer", "minimum": 1},
    "stream": {"type": ["boolean", "null"]},
    "stream_options": {"type": ["object", "null"]},
    "structured_outputs": {
        "type": ["object", "null"],
        "properties": {"choice": {"type": "array", "minItems": 1}, "json": {"type": ["object", "string"]}},
    },
    "response_format": {
        "type": ["object", "null"],
        "properties": {"json_schema": {"type": "object", "properties": {"schema": {"type": "object"}}}},
    },
}
_PART: Schema = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "text": {"type": "string"},
        "image_url": {"type": "object", "properties": {"url": {"type": "string"}}},
    },
}
_FUNCTION: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "description": {"type": ["string", "null"]},
        "parameters": {"type": ["object", "null"]},
    },
}
_MESSAGE: Schema = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "role": {"type": "string", "enum": ["system", "developer", "user", "assistant", "tool"]},
        "content": {"type": ["string", "array", "null"], "items": _PART},
    },
}
_COMPLETION: Schema = {
    "type": "object",
    "required": ["prompt"],
    "properties": _SHARED
    | {"prompt": {"type": "string", "minLength": 1}, "logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 5}},
}
_CHAT: Schema = {
    "type": "object",
    "required": ["messages"],
    "properties": _SHARED
    | {
        "messages": {"type": "array", "items": _MESSAGE, "minItems": 1},
        "tools": {"type": "array", "items": {"type": "object", "required": ["function"], "properties": {"function": _FUNCTION}}},
        "tool_choice": {
            "type": ["string", "object"],
            "properties": {"function": {"type": "object", "properties": {"name": {"type": "string"}}}},
        },
        "max_completion_tokens": {"type": ["integer", "null"], "minimum": 1},
        "logprobs": {"type": ["boolean", "null"]},
        "top_logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20},
    },
}


def _is_chat(body: Json) -> bool:
    return "messages" in body


def _is_bedrock_completion(body: Json) -> bool:
    """``max_gen_len``, or neither of the two ceilings, means Bedrock's own completion format."""
    return not _is_chat(body) and "max_tokens" not in body


def read(body: Json, origin: Origin) -> Ask:
    if body.get("stream") and not origin.streamed:
        raise invalid("The stream field is not supported by InvokeModel. Use InvokeModelWithResponseStream.")
    if _is_chat(body):
        return _read_chat(body, origin)
    require(body, _COMPLETION)
    if _is_bedrock_completion(body):
        ask = llama.completion(body)
    else:
        prompt = body["prompt"]
        ask = Ask(turns(prompt), prompt, body["max_tokens"], stop=_stop(body), count=body.get("n", 1), body=body)
    return _thinking(offered(replace(ask, schema=_schema(body))), origin)


def _read_chat(body: Json, origin: Origin) -> Ask:
    require(body, _CHAT)
    conversation = tuple(_turn(message) for message in body["messages"])
    tools = tuple(_tool(tool["function"]) for tool in body.get("tools", ())) if origin.model.base.tools else ()
    ask = Ask(
        conversation,
        "\n".join([*(turn.text for turn in conversation), *(json.dumps(tool) for tool in body.get("tools", ()))]),
        body.get("max_tokens") or body.get("max_completion_tokens") or _DEFAULT_MAX_TOKENS,
        stop=_stop(body),
        tools=tools,
        tool_choice=_choice(body.get("tool_choice", "auto")),
        schema=_schema(body),
        images=sum(part.get("type") == "image_url" for message in body["messages"] for part in _parts(message)),
        count=body.get("n", 1),
        body=body,
    )
    return _thinking(ask, origin)


_THINK = re.compile(r"\s*/think\b")


def _thinking(ask: Ask, origin: Origin) -> Ask:
    """Qwen 3's switch: a user's ``/think`` lets it think before it answers (Qwen 3's model card, read 2026-11-27)."""
    asks = any(turn.role == "user" and _THINK.search(turn.text) for turn in ask.turns)
    if not asks or not (origin.model.architecture or "").startswith("qwen"):
        return ask
    return replace(ask, thinking=ask.max_tokens, turns=tuple(Turn(turn.role, _THINK.sub("", turn.text)) for turn in ask.turns))


def _aloud(answer: Answer) -> Answer:
    """What it thought, in the text between tags: nothing at AWS takes it out of there."""
    if not answer.thought:
        return answer
    first, *rest = answer.thought
    opened = (f"<think>\n{first}", *rest)
    return replace(answer, pieces=(*opened[:-1], f"{opened[-1]}\n</think>\n\n", *answer.pieces), thought=())


_ROLES: dict[str, Role] = {"developer": "system", "system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def _parts(message: Json) -> list[Json]:
    content = message.get("content")
    return content if isinstance(content, list) else [{"type": "text", "text": content or ""}]


def _turn(message: Json) -> Turn:
    for part in _parts(message):
        url = part.get("image_url", {}).get("url", "data:")
        if not url.startswith("data:"):
            raise invalid("Only base64 data URLs are supported for images.")
    text = "\n".join(part.get("text", "") for part in _parts(message))
    return Turn(_ROLES[message["role"]], text)


def _tool(function: Json) -> Tool:
    return Tool(function.get("name", ""), function.get("description") or "", function.get("parameters") or {"type": "object"})


def _choice(choice: str | Json) -> str:
    if isinstance(choice, str):
        return "any" if choice == "required" else choice
    name: str = choice.get("function", {}).get("name", "auto")
    return name


def _stop(body: Json) -> tuple[str, ...]:
    stop = body.get("stop") or ()
    return (stop,) if isinstance(stop, str) else tuple(stop)


def _schema(body: Json) -> Json | None:
    """What the reply must follow: vLLM's ``structured_outputs``, or ``response_format`` bare or in OpenAI's wrapping."""
    structured = body.get("structured_outputs") or {}
    if "choice" in structured:
        return {"enum": structured["choice"]}
    if "json" in structured:
        wanted: Json | str = structured["json"]
        return schema_in(wanted) if isinstance(wanted, str) else wanted
    form = body.get("response_format") or {}
    if form.get("type") == "json_object":
        return {"type": "object"}
    inner = form.get("json_schema")
    return inner.get("schema", inner) if isinstance(inner, dict) else None


def _envelope(origin: Origin, kind: str, word: str) -> Json:
    identifier = origin.model.arn.rpartition("/")[2]
    return {
        "id": f"{word}-{origin.seed[:32]}",
        "object": kind,
        # The model's birthday, not today's date: the same request gives the same reply.
        "created": int(origin.model.created.timestamp()),
        "model": f"{ACCOUNT}-{identifier}",
    }


def _usage(answer: Answer, ask: Ask) -> dict[str, int]:
    output_tokens = answer.output_tokens * ask.count
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": answer.input_tokens + output_tokens,
    }


def _tool_calls(answer: Answer, origin: Origin) -> list[Json]:
    if answer.call is None:
        return []
    arguments = "".join(answer.call_pieces)
    function = {"name": answer.call.name, "arguments": arguments}
    return [{"id": f"chatcmpl-tool-{origin.seed[32:]}", "type": "function", "function": function}]


# What vLLM, underneath, leaves in a chat message beside what OpenAI's API has.
_LEFTOVERS: Json = {"refusal": None, "annotations": None, "audio": None, "function_call": None, "reasoning_content": None}


def whole(answer: Answer, ask: Ask, origin: Origin) -> Json:
    answer = _aloud(answer)
    if _is_bedrock_completion(ask.body):
        return llama.whole(answer, ask, origin) | {"logprobs": None}
    choices = [_choice_of(answer, ask, origin) | {"index": index} for index in range(ask.count)]
    is_chat = _is_chat(ask.body)
    envelope = _envelope(origin, "chat.completion", "chatcmpl") if is_chat else _envelope(origin, "text_completion", "cmpl")
    return envelope | {"choices": choices, "usage": _usage(answer, ask), "service_tier": None, "system_fingerprint": None}


def _logprobs(pieces: Sequence[str], ask: Ask, start: int = 0) -> Json | None:
    """Of these tokens, in the format that was asked; ``None`` where nobody asked."""
    if _is_chat(ask.body):
        return likelihoods.of_chat(pieces, ask.body.get("top_logprobs") or 0) if ask.body.get("logprobs") else None
    most = ask.body.get("logprobs")
    return None if most is None else likelihoods.of_completion(pieces, most, start=start)


def _choice_of(answer: Answer, ask: Ask, origin: Origin) -> Json:
    end = {"finish_reason": _REASONS[answer.end], "stop_reason": None, "logprobs": _logprobs(answer.pieces, ask)}
    if not _is_chat(ask.body):
        return {"text": answer.text} | end
    message = {"role": "assistant", "content": answer.text or None, "tool_calls": _tool_calls(answer, origin)}
    return {"message": message | _LEFTOVERS, "token_ids": None} | end


def chunks(answer: Answer, ask: Ask, origin: Origin) -> list[Chunk]:
    answer = _aloud(answer)
    if _is_bedrock_completion(ask.body):
        return llama.chunks(answer, ask, origin)
    told = _chat_chunks(answer, ask, origin) if _is_chat(ask.body) else _completion_chunks(answer, ask, origin)
    if (ask.body.get("stream_options") or {}).get("include_usage"):
        envelope = {key: told[0].body[key] for key in ("id", "object", "created", "model")}
        told.append(Chunk(envelope | {"choices": [], "usage": _usage(answer, ask)}))
    return told


def _completion_chunks(answer: Answer, ask: Ask, origin: Origin) -> list[Chunk]:
    envelope = _envelope(origin, "text_completion", "cmpl")
    *first, last = answer.pieces or ("",)
    pairs: list[tuple[str, str | None]] = [*((piece, None) for piece in first), (last, _REASONS[answer.end])]
    told: list[Chunk] = []
    start = 0
    for text, reason in pairs:
        choice = {"index": 0, "text": text, "logprobs": _logprobs([text], ask, start), "finish_reason": reason}
        told.append(Chunk(envelope | {"choices": [choice]}, 1))
        start += len(text)
    return told


def _chat_chunks(answer: Answer, ask: Ask, origin: Origin) -> list[Chunk]:
    deltas: list[tuple[dict[str, Any], int]] = [({"role": "assistant", "content": ""}, 0)]
    deltas += [({"content": piece}, 1) for piece in answer.pieces]
    for call in _tool_calls(answer, origin):
        opening = {"index": 0, "id": call["id"], "type": "function"}
        deltas.append(({"tool_calls": [opening | {"function": {"name": call["function"]["name"], "arguments": ""}}]}, 0))
        deltas += [({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}, 1) for piece in answer.call_pieces]
    envelope = _envelope(origin, "chat.completion.chunk", "chatcmpl")
    told = [_chat_chunk(envelope, delta, None, tokens, ask) for delta, tokens in deltas]
    return [*told, _chat_chunk(envelope, {}, _REASONS[answer.end], 0, ask)]


def _chat_chunk(envelope: Json, delta: Json, reason: str | None, tokens: int, ask: Ask) -> Chunk:
    logprobs = _logprobs([delta["content"]], ask) if delta.get("content") else None
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
    return Chunk(envelope | {"choices": [choice]}, tokens)


DIALECT = Dialect(read, "", whole, chunks)
