"""Meta Llama 2 and 3. Source: AWS "Meta Llama models" parameters page and recorded replies of 2024 and 2025."""

from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.replies.offers import offered
from gateway.sandbox.replies.prompts import turns
from gateway.sandbox.schema import Schema, closed, integer, number, strings

_DEFAULT_MAX_TOKENS = 512
_MOST_IMAGES = 1  # boto/boto3#4463, read 2026-11-27: a second one is a ValidationException
_REASONS = {"stop": "stop", "length": "length", "stop_sequence": "stop", "tool": "stop"}

_FIELDS: dict[str, Schema] = {
    "prompt": {"type": "string", "minLength": 1},
    "temperature": number(0, 1),
    "top_p": number(0, 1),
    "max_gen_len": integer(1, 2048),
}
SCHEMA: Schema = closed(_FIELDS, "prompt")
WITH_IMAGES: Schema = closed(_FIELDS | {"images": strings(_MOST_IMAGES)}, "prompt")


def read(body: Json, origin: Origin) -> Ask:
    """A Llama body: no stop sequences, no penalties, nothing but four fields, and an image where the model sees.

    Tools may stand in the prompt, of a model that was trained so.
    """
    sees = "IMAGE" in origin.model.base.modalities
    require(body, WITH_IMAGES if sees else SCHEMA)
    ask = completion(body)
    return offered(ask) if origin.model.base.tools else ask


def completion(body: Json) -> Ask:
    """A body whose fields are known to be well."""
    prompt = body["prompt"]
    return Ask(turns(prompt), prompt, body.get("max_gen_len", _DEFAULT_MAX_TOKENS), images=len(body.get("images", ())), body=body)


def whole(answer: Answer, _ask: Ask, _origin: Origin) -> Json:
    return {
        "generation": answer.text,
        "prompt_token_count": answer.input_tokens,
        "generation_token_count": answer.output_tokens,
        "stop_reason": _REASONS[answer.end],
    }


def chunks(answer: Answer, _ask: Ask, _origin: Origin) -> list[Chunk]:
    """Piece by piece with a running count; an empty chunk ends it. Only the first tells the prompt's tokens."""
    told = [
        Chunk(
            {
                "generation": piece,
                "prompt_token_count": answer.input_tokens if position == 1 else None,
                "generation_token_count": position,
                "stop_reason": None,
            },
            1,
        )
        for position, piece in enumerate(answer.pieces, start=1)
    ]
    end = {
        "generation": "",
        "prompt_token_count": None if told else answer.input_tokens,
        "generation_token_count": answer.output_tokens,
        "stop_reason": _REASONS[answer.end],
    }
    return [*told, Chunk(end)]


DIALECT = Dialect(read, "", whole, chunks)
