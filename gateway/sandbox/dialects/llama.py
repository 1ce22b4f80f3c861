"""Meta Llama 2 and 3. Source: AWS "Meta Llama models" parameters page and recorded replies of 2024 and 2025."""

from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.replies.prompts import offered_tools, turns, without_offer
from gateway.sandbox.schema import Schema, closed, integer, number

_DEFAULT_MAX_TOKENS = 512
_REASONS = {"stop": "stop", "length": "length", "stop_sequence": "stop", "tool": "stop"}

SCHEMA: Schema = closed(
    {
        "prompt": {"type": "string", "minLength": 1},
        "temperature": number(0, 1),
        "top_p": number(0, 1),
        "max_gen_len": integer(1, 2048),
    },
    "prompt",
)


def read(body: Json, origin: Origin) -> Ask:
    """A Llama body: no stop sequences, no penalties, nothing but four fields."""
    require(body, SCHEMA)
    return completion(body, origin)


def completion(body: Json, origin: Origin) -> Ask:
    """A body whose fields are known to be well; tools may stand in the prompt of a model that was trained so."""
    prompt = body["prompt"]
    tools = offered_tools(prompt) if origin.model.base.tools else ()
    conversation = tuple(without_offer(turn) for turn in turns(prompt)) if tools else turns(prompt)
    return Ask(conversation, prompt, body.get("max_gen_len", _DEFAULT_MAX_TOKENS), tools=tools)


def _pieces(answer: Answer) -> tuple[str, ...]:
    return answer.pieces + answer.call_pieces


def whole(answer: Answer, _ask: Ask, _origin: Origin) -> Json:
    return {
        "generation": "".join(_pieces(answer)),
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
        for position, piece in enumerate(_pieces(answer), start=1)
    ]
    end = {
        "generation": "",
        "prompt_token_count": None if told else answer.input_tokens,
        "generation_token_count": answer.output_tokens,
        "stop_reason": _REASONS[answer.end],
    }
    return [*told, Chunk(end)]


DIALECT = Dialect(read, "", whole, chunks, calls_in_text=True)
