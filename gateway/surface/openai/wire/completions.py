"""OpenAI's legacy completions, both ways: what a caller may write, and what it reads back. Knows only what it looks like.

Source: https://platform.openai.com/docs/api-reference/completions
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.surface.openai.wire.replies import CompletionUsage
from gateway.surface.openai.wire.requests import (
    MOST_CHOICES,
    Alias,
    Closed,
    LogitBias,
    Penalty,
    Refused,
    Seed,
    Share,
    Stop,
    StreamOptions,
    Temperature,
    TokenCount,
)

PromptText = Annotated[str, Meta(min_length=1)]
Tokens = Annotated[tuple[int, ...], Meta(description="Refused: a token's number means another text to every model.")]
Prompts = Annotated[tuple[PromptText | int | Tokens, ...], Meta(min_length=1)]


class CompletionBody(Closed, frozen=True):
    """A completion request: a prompt that goes to the model as it stands. ``null`` is the same as leaving a field out."""

    model: Alias
    prompt: Annotated[PromptText | Prompts, Meta(description="One prompt, or several to be completed each for itself.")]

    max_tokens: TokenCount | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    stop: Stop | None = None
    n: Annotated[int, Meta(ge=1, le=MOST_CHOICES, description="How many completions of each prompt.")] | None = None
    best_of: (
        Annotated[
            int, Meta(ge=1, le=20, description="How many to make of each prompt, of which the ``n`` likeliest are returned.")
        ]
        | None
    ) = None
    echo: Annotated[bool | None, Meta(description="Whether each text begins with its prompt.")] = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    seed: Seed | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: LogitBias | None = None

    stream: bool | None = None
    stream_options: StreamOptions | None = None

    user: Annotated[str | None, Meta(description="Accepted; it changes no answer here.")] = None
    suffix: Refused = None


class CompletionLogprobs(Struct, frozen=True):
    """Log probabilities of the tokens of a text, place by place.

    ``top_logprobs`` is null when only the tokens' own were asked for; ``text_offset`` counts characters from the text's start.
    """

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]] | None
    text_offset: list[int]


class CompletionChoice(Struct, frozen=True):
    """One completion. Those of the first prompt come first: ``index`` is ``prompt * n + which``."""

    index: int
    text: str
    finish_reason: Literal["stop", "length", "content_filter"]
    logprobs: CompletionLogprobs | None = None


class Completion(Struct, frozen=True):
    """A whole reply. ``model`` is the alias that was asked for; ``created`` is in Unix seconds."""

    id: str
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage | UnsetType = UNSET
    object: Literal["text_completion"] = "text_completion"


class CompletionChunkChoice(Struct, frozen=True):
    """Some more of a completion; ``finish_reason`` is null but in its last chunk."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: Literal["stop", "length", "content_filter"] | None


class CompletionChunk(Struct, frozen=True):
    """One event of a streamed reply. ``id``, ``created`` and ``model`` are the same in all of them.

    ``usage`` is there only with ``stream_options.include_usage``: null, but in the last chunk, whose ``choices`` is empty.
    """

    id: str
    created: int
    model: str
    choices: list[CompletionChunkChoice]
    usage: CompletionUsage | UnsetType | None = UNSET
    object: Literal["text_completion"] = "text_completion"
