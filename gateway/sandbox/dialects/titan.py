"""Amazon Titan Text. Source: AWS "Amazon Titan Text models" parameters page and recorded replies of 2024 and 2025."""

from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.replies.prompts import turns
from gateway.sandbox.schema import Schema, closed, integer, number, strings

_DEFAULT_MAX_TOKENS = 512

# The page says FINISHED; every recording says FINISH.
_REASONS = {"stop": "FINISH", "length": "LENGTH", "stop_sequence": "STOP_CRITERIA_MET", "tool": "FINISH"}


def _schema(max_tokens: int) -> Schema:
    generation = closed(
        {
            "temperature": number(0, 1),
            "topP": number(0, 1, above=True),
            "maxTokenCount": integer(0, max_tokens),
            "stopSequences": strings(8191),
        }
    )
    return closed({"inputText": {"type": "string", "minLength": 1}, "textGenerationConfig": generation}, "inputText")


def read(body: Json, origin: Origin) -> Ask:
    """A Titan body; the ceiling of ``maxTokenCount`` is the base model's."""
    require(body, _schema(origin.model.base.max_tokens))
    prompt = body["inputText"]
    generation = body.get("textGenerationConfig", {})
    return Ask(
        turns(prompt),
        prompt,
        generation.get("maxTokenCount", _DEFAULT_MAX_TOKENS),
        stop=tuple(generation.get("stopSequences", ())),
    )


def whole(answer: Answer, _ask: Ask, _origin: Origin) -> Json:
    result = {"tokenCount": answer.output_tokens, "outputText": answer.text, "completionReason": _REASONS[answer.end]}
    return {"inputTextTokenCount": answer.input_tokens, "results": [result]}


def chunks(answer: Answer, _ask: Ask, _origin: Origin) -> list[Chunk]:
    """Text piece by piece; only the last chunk says why it ended and how many tokens there were."""
    *first, last = answer.pieces or ("",)
    unknown = {"totalOutputTextTokenCount": None, "completionReason": None, "inputTextTokenCount": None}
    told = [Chunk({"outputText": piece, "index": 0} | unknown, 1) for piece in first]
    told[:1] = [chunk._replace(body=chunk.body | {"inputTextTokenCount": answer.input_tokens}) for chunk in told[:1]]
    end = {
        "outputText": last,
        "index": 0,
        "totalOutputTextTokenCount": answer.output_tokens,
        "completionReason": _REASONS[answer.end],
        "inputTextTokenCount": answer.input_tokens,
    }
    return [*told, Chunk(end, 1)]


DIALECT = Dialect(read, "\n", whole, chunks)
