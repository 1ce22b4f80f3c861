"""What a caller of responses reads back: the response and its output items, field for field. Knows no stream.

Source: https://platform.openai.com/docs/api-reference/responses/object
"""

from typing import Literal

from msgspec import Struct

from gateway.surface.openai.wire.replies import TokenLogprob
from gateway.surface.openai.wire.requests import Effort
from gateway.surface.openai.wire.responses.items import ReasoningPart, SummaryText
from gateway.surface.openai.wire.responses.request import FunctionTool, Mode, NamedFunction, TextConfig

Status = Literal["in_progress", "completed", "incomplete"]


class SaidText(Struct, frozen=True, tag_field="type", tag="output_text"):
    """A run of the answer. ``logprobs`` is empty unless asked for; there are no annotations here."""

    text: str
    annotations: tuple[()] = ()
    logprobs: list[TokenLogprob] = []


class OutputMessage(Struct, frozen=True, tag_field="type", tag="message"):
    """What the model says."""

    id: str
    status: Status
    content: list[SaidText]
    role: Literal["assistant"] = "assistant"


class OutputCall(Struct, frozen=True, tag_field="type", tag="function_call"):
    """A call the model wants made; ``call_id`` is what its result names."""

    id: str
    status: Status
    call_id: str
    name: str
    arguments: str


class OutputReasoning(Struct, frozen=True, tag_field="type", tag="reasoning"):
    """A thought, as far as it may be shown.

    ``encrypted_content`` is there when ``include`` asks for it, and all that a later turn needs: the thought and the model's
    seal over it.
    """

    id: str
    status: Status
    content: list[ReasoningPart]
    encrypted_content: str | None = None
    summary: tuple[SummaryText, ...] = ()


OutputItem = OutputMessage | OutputCall | OutputReasoning


class InputTokensDetails(Struct, frozen=True):
    """Of the input: tokens read from a cache, and tokens written to one."""

    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(Struct, frozen=True):
    """Of the output: tokens of reasoning, estimated from its text, since Bedrock does not count them."""

    reasoning_tokens: int


class ResponseUsage(Struct, frozen=True):
    """Tokens; the input's include cache reads and writes."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class IncompleteDetails(Struct, frozen=True):
    """Why the answer ended before its end."""

    reason: Literal["max_output_tokens", "content_filter"]


class ResponseError(Struct, frozen=True):
    """Why a stream failed."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class ShownReasoning(Struct, frozen=True):
    """How much thinking was asked for."""

    effort: Effort | None = None
    summary: None = None


class Response(Struct, frozen=True, kw_only=True):
    """A response. ``model`` is the alias that was asked for; ``created_at`` is in Unix seconds.

    What the caller sent is in it as it was sent; a ``null`` there means that the alias, or the model, decides.
    """

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    background: Literal[False] = False
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    model: str
    output: list[OutputItem]
    parallel_tool_calls: bool
    previous_response_id: None = None
    prompt_cache_key: str | None
    reasoning: ShownReasoning
    safety_identifier: str | None
    service_tier: None = None
    store: Literal[False] = False
    temperature: float | None
    text: TextConfig
    tool_choice: Mode | NamedFunction
    tools: tuple[FunctionTool, ...]
    top_logprobs: int
    top_p: float | None
    truncation: Literal["disabled"] = "disabled"
    usage: ResponseUsage | None = None
    user: str | None
    metadata: dict[str, str]
