"""Cohere Command and Command Light. Source: AWS "Cohere Command models" parameters page and recorded replies of 2024."""

from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.replies.prompts import turns
from gateway.sandbox.schema import Schema, closed, integer, number, strings

_DEFAULT_MAX_TOKENS = 20  # AWS's own default, which truncates almost everything
_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "stop_sequence": "COMPLETE", "tool": "COMPLETE"}

SCHEMA: Schema = closed(
    {
        "prompt": {"type": "string", "minLength": 1},
        "temperature": number(0, 5),
        "p": number(0, 1),
        "k": number(0, 500),
        "max_tokens": integer(1, 4096),
        "stop_sequences": strings(4),
        "return_likelihoods": {"type": "string", "enum": ["GENERATION", "ALL", "NONE"]},
        "stream": {"type": "boolean"},
        "num_generations": integer(1, 5),
        "logit_bias": {"type": "object"},
        "truncate": {"type": "string", "enum": ["NONE", "START", "END"]},
    },
    "prompt",
)


def read(body: Json, _origin: Origin) -> Ask:
    require(body, SCHEMA)
    prompt = body["prompt"]
    return Ask(
        turns(prompt),
        prompt,
        body.get("max_tokens", _DEFAULT_MAX_TOKENS),
        stop=tuple(body.get("stop_sequences", ())),
        count=body.get("num_generations", 1),
        body=body,
    )


def _identifier(origin: Origin, start: int) -> str:
    seed = origin.seed[start : start + 32]
    return f"{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-{seed[20:32]}"


def _generation(answer: Answer, ask: Ask, origin: Origin, position: int) -> Json:
    generation: Json = {
        "id": _identifier(origin, 8 + position),
        "text": answer.text,
        "finish_reason": _REASONS[answer.end],
    }
    if ask.body.get("return_likelihoods", "NONE") != "NONE":
        generation["likelihood"] = -0.9
        generation["token_likelihoods"] = [{"token": piece, "likelihood": -0.9} for piece in answer.pieces]
    if ask.count > 1:
        generation["index"] = position
    return generation


def whole(answer: Answer, ask: Ask, origin: Origin) -> Json:
    """No token counts: AWS tells them in the headers alone."""
    generations = [_generation(answer, ask, origin, position) for position in range(ask.count)]
    return {"id": _identifier(origin, 0), "generations": generations, "prompt": ask.prompt}


def chunks(answer: Answer, ask: Ask, origin: Origin) -> list[Chunk]:
    """Without ``"stream": true`` the whole body comes as one chunk; with it, the last repeats the full text."""
    if not ask.body.get("stream"):
        return [Chunk(whole(answer, ask, origin), answer.output_tokens)]
    indexes = range(ask.count)
    told = [
        Chunk({"text": piece, "is_finished": False} | ({"index": index} if ask.count > 1 else {}), 1)
        for piece in answer.pieces
        for index in indexes
    ]
    end = {"is_finished": True, "finish_reason": _REASONS[answer.end], "response": whole(answer, ask, origin)}
    return [*told, Chunk(end)]


DIALECT = Dialect(read, " ", whole, chunks)
