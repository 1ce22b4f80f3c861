"""What a caller of responses may write, field for field. Judges nothing beyond shape, and knows no reply.

Every field of OpenAI's own request is known here, supported or not, so that "unrecognized" only ever names a field that
OpenAI does not have either.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from gateway.surface.openai.wire.requests import (
    Alias,
    Closed,
    Effort,
    Extension,
    FunctionName,
    Ignored,
    JsonObjectFormat,
    Refused,
    Share,
    Temperature,
    TextFormat,
    TokenCount,
)
from gateway.surface.openai.wire.responses.items import Item

Includable = Literal[
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
    "message.input_image.image_url",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
]
Mode = Literal["none", "auto", "required"]


class FunctionTool(Closed, frozen=True, tag_field="type", tag="function", rename={"async_": "async"}, omit_defaults=True):
    """A function the model may call; ``parameters`` is the JSON Schema of its arguments. Functions are the only kind of tool."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    output_schema: Ignored = None
    allowed_callers: Ignored = None
    defer_loading: Refused = None
    async_: Refused = None


class NamedFunction(Closed, frozen=True, tag_field="type", tag="function"):
    """The model must call this function."""

    name: str


class JsonOfSchema(Closed, frozen=True, tag_field="type", tag="json_schema", omit_defaults=True):
    """JSON of a given schema."""

    name: FunctionName
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextConfig(Closed, frozen=True, omit_defaults=True):
    """The shape that the answer must have."""

    format: TextFormat | JsonObjectFormat | JsonOfSchema | None = None
    verbosity: Refused = None


class ReasoningConfig(Closed, frozen=True):
    """How much to think."""

    effort: Effort | None = None
    summary: Annotated[str | None, Meta(description="Accepted: a thought is shown whole or not at all.")] = None
    generate_summary: Annotated[str | None, Meta(description="The older name of summary.")] = None
    context: Refused = None
    mode: Refused = None


class ResponseStreamOptions(Closed, frozen=True):
    """Only with ``stream: true``."""

    include_obfuscation: Ignored = None


class ResponseBody(Closed, frozen=True):
    """A request for a response. ``null`` is the same as leaving a field out."""

    model: Alias
    input: str | Annotated[tuple[Item, ...], Meta(min_length=1)]
    instructions: str | None = None

    max_output_tokens: TokenCount | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    include: tuple[Includable, ...] | None = None
    reasoning: ReasoningConfig | None = None
    text: TextConfig | None = None

    tools: tuple[FunctionTool, ...] | None = None
    tool_choice: Mode | NamedFunction | None = None
    parallel_tool_calls: bool | None = None

    stream: bool | None = None
    stream_options: ResponseStreamOptions | None = None

    metadata: Annotated[dict[str, str] | None, Meta(description="Returned with the reply.")] = None
    quarry: Annotated[Extension | None, Meta(description="What only this gateway knows.")] = None
    store: Annotated[bool | None, Meta(description="Accepted; nothing is stored.")] = None
    user: Annotated[str | None, Meta(description="Accepted; it changes no answer here.")] = None
    safety_identifier: Annotated[str | None, Meta(description="Accepted; it changes no answer here.")] = None
    prompt_cache_key: Annotated[str | None, Meta(description="Accepted; it changes no answer here.")] = None
    prompt_cache_retention: Ignored = None
    prompt_cache_options: Ignored = None
    max_tool_calls: Annotated[int | None, Meta(description="Accepted; it is about tools that only OpenAI has.")] = None
    service_tier: Annotated[str | None, Meta(description='"auto" or "default"; other tiers are refused.')] = None
    truncation: Annotated[str | None, Meta(description='"disabled"; "auto" is refused.')] = None

    previous_response_id: Refused = None
    conversation: Refused = None
    prompt: Refused = None
    background: Refused = None
    background_options: Refused = None
    context_management: Refused = None
    moderation: Refused = None
    access_programs: Refused = None
    image: Refused = None
