"""Mistral 7B and Mixtral, prompt form. Source: AWS "Mistral AI text completion" page and recorded replies of 2024."""

from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.replies.prompts import turns
from gateway.sandbox.schema import Schema, closed, integer, number, strings

_DEFAULT_MAX_TOKENS = 512
_REASONS = {"stop": "stop", "length": "length", "stop_sequence": "stop", "tool": "stop"}


def schema(max_tokens: int) -> Schema:
    """The body of a model with this ceiling."""
    fields = {
        "prompt": {"type": "string", "minLength": 1},
        "max_tokens": integer(1, max_tokens),
        "stop": strings(10),
        "temperature": number(0, 1),
        "top_p": number(0, 1),
        "top_k": integer(1, 200),
    }
    return closed(fields, "prompt")


def read(body: Json, origin: Origin) -> Ask:
    """A Mistral body. Imported models ignore what they do not know; base models refuse it."""
    admitted = schema(origin.model.base.max_tokens)
    require(body, admitted | {"additionalProperties": origin.model.kind == "imported-model"})
    prompt = body["prompt"]
    return Ask(turns(prompt), prompt, body.get("max_tokens", _DEFAULT_MAX_TOKENS), stop=tuple(body.get("stop", ())))


def whole(answer: Answer, _ask: Ask, _origin: Origin) -> Json:
    """No token counts: AWS tells them in the headers alone."""
    return {"outputs": [{"text": answer.text, "stop_reason": _REASONS[answer.end]}]}


def chunks(answer: Answer, _ask: Ask, _origin: Origin) -> list[Chunk]:
    *first, last = answer.pieces or ("",)
    told = [Chunk({"outputs": [{"text": piece, "stop_reason": None}]}, 1) for piece in first]
    return [*told, Chunk({"outputs": [{"text": last, "stop_reason": _REASONS[answer.end]}]}, 1)]


DIALECT = Dialect(read, " ", whole, chunks)
