"""Replies by their shape: for models whose own documents disagree about what they answer.

The same imported model may answer with ``choices``, ``generation``, ``outputs`` or ``text``, depending on the day it was
imported and on the fields of the request (Amazon Bedrock user guide, invoke-imported-model; AWS's samples contradict it;
read 2026-11-22). So the reply is asked, not the configuration. One set of shapes reads whole bodies and stream chunks.

Must never know what was requested. Fields that vLLM leaves behind (``refusal``, ``token_ids``, ``prompt_logprobs``,
``kv_transfer_params``, …) have no place here and so fall away.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from adapters.deltas import TokenLogprob
from adapters.errors import MalformedReply
from adapters.pieces import SILENCE, CallPiece, Envelope, Piece, Words

WORDS: Words = {
    "stop": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    # vLLM's words for a generation that it gave up.
    "abort": None,
    "error": None,
}


class Function(Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class Call(Struct, frozen=True):
    index: float | None = None
    id: str | None = None
    function: Function | None = None


class Message(Struct, frozen=True):
    """``message`` of a whole reply, ``delta`` of a chunk."""

    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[Call] | None = None


class TopToken(Struct, frozen=True):
    token: str
    logprob: float


class Token(Struct, frozen=True):
    token: str
    logprob: float
    top_logprobs: list[TopToken] | None = None


class ChoiceLogprobs(Struct, frozen=True):
    """A chat's are a list of tokens; a completion's are lists side by side, a place of which may be empty."""

    content: list[Token] | None = None
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None


class Choice(Struct, frozen=True):
    """One of ``choices``.

    Attributes:
        stop_reason: Mistral's name for ``finish_reason``, where there is none of that. vLLM has one too: there it is the
            stop string or token that was met, or null, and ``finish_reason`` stands beside it, though it be null.
    """

    message: Message | None = None
    delta: Message | None = None
    text: str | None = None
    finish_reason: str | UnsetType | None = UNSET
    stop_reason: str | float | None = None
    logprobs: ChoiceLogprobs | None = None


class Output(Struct, frozen=True):
    text: str | None = None
    stop_reason: str | None = None


class CachedTokens(Struct, frozen=True):
    cached_tokens: float | None = None


class Counts(Struct, frozen=True):
    """OpenAI's ``usage``; its prompt count includes what came from a cache."""

    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    prompt_tokens_details: CachedTokens | None = None


class Shape(Envelope, frozen=True):
    """Every place where an answer has been seen, in the order in which it is looked for."""

    choices: list[Choice] | None = None
    generation: str | None = None
    outputs: list[Output] | None = None
    text: str | None = None
    completion: str | None = None
    outputText: str | None = None  # noqa: N815 - the field's own spelling
    stop_reason: str | None = None
    finish_reason: str | None = None
    prompt_token_count: float | None = None
    generation_token_count: float | None = None
    usage: Counts | None = None
    error: Any = None


_decode = msgspec.json.Decoder(Shape).decode


def parse(native: bytes) -> Piece:
    """What a whole body, or a chunk, says.

    Raises:
        MalformedReply: Not a JSON object, a known field of another type, or an error in a reply's clothes.
    """
    try:
        shape = _decode(native)
    except (ValueError, RecursionError) as error:
        if native.strip() == b"[DONE]":  # OpenAI's own end of a stream, which some servers let through
            return SILENCE
        raise MalformedReply("the reply is not of any known shape") from error
    if shape.generation is not None:
        return _generation(shape)
    if shape.choices:
        return _choice(shape, shape.choices[0])
    if shape.error is not None:
        raise MalformedReply("the model reports an error inside its reply")
    return _bare(shape)


def _generation(shape: Shape) -> Piece:
    return Piece(
        text=shape.generation,
        reason=shape.stop_reason,
        input_tokens=shape.prompt_token_count,
        output_tokens=shape.generation_token_count,
        metrics=shape.metrics,
        guardrail=shape.guardrail,
    )


def _choice(shape: Shape, choice: Choice) -> Piece:
    message = choice.message or choice.delta
    reason = choice.finish_reason
    if reason is UNSET:
        reason = choice.stop_reason if isinstance(choice.stop_reason, str) else None
    counts = shape.usage or Counts()
    return Piece(
        text=(message.content or "") if message is not None else choice.text,
        reasoning=message.reasoning_content if message is not None else None,
        calls=_calls(message.tool_calls) if message is not None and message.tool_calls else (),
        logprobs=_logprobs(choice.logprobs) if choice.logprobs is not None else (),
        reason=reason,
        input_tokens=counts.prompt_tokens,
        output_tokens=counts.completion_tokens,
        cache_read_tokens=_cached(counts),
        metrics=shape.metrics,
        guardrail=shape.guardrail,
    )


def _bare(shape: Shape) -> Piece:
    """The older shapes, and the chunk that holds nothing but counts."""
    output = shape.outputs[0] if shape.outputs else Output()
    counts = shape.usage or Counts(shape.prompt_token_count, shape.generation_token_count)
    places = (output.text, shape.text, shape.completion, shape.outputText)
    return Piece(
        text=next((text for text in places if text is not None), None),
        reason=output.stop_reason or shape.stop_reason or shape.finish_reason,
        input_tokens=counts.prompt_tokens,
        output_tokens=counts.completion_tokens,
        cache_read_tokens=_cached(counts),
        metrics=shape.metrics,
        guardrail=shape.guardrail,
    )


def _calls(calls: list[Call]) -> tuple[CallPiece, ...]:
    return tuple(
        CallPiece(
            index=position if call.index is None else call.index,
            id=call.id,
            name=call.function.name if call.function else None,
            arguments=call.function.arguments if call.function else None,
        )
        for position, call in enumerate(calls)
    )


def _logprobs(logprobs: ChoiceLogprobs) -> tuple[TokenLogprob, ...]:
    if logprobs.tokens is not None:
        return tuple(_side_by_side(logprobs.tokens, logprobs.token_logprobs or [], logprobs.top_logprobs or []))
    return tuple(
        TokenLogprob(token.token, token.logprob, tuple((top.token, top.logprob) for top in token.top_logprobs or ()))
        for token in logprobs.content or ()
    )


def _side_by_side(tokens: list[str], logprobs: list[float | None], tops: list[dict[str, float] | None]) -> Iterator[TokenLogprob]:
    """A token without a probability is one of the prompt's: nothing generated it."""
    for token, logprob, top in zip_longest(tokens, logprobs, tops):
        if token is not None and logprob is not None:
            yield TokenLogprob(token, logprob, tuple((top or {}).items()))


def _cached(counts: Counts) -> float:
    details = counts.prompt_tokens_details
    return (details.cached_tokens or 0) if details is not None else 0
