"""What a caller of messages may write, field for field. Judges nothing beyond shape, and knows no reply.

Every field of Anthropic's own request is known here, supported or not, so that "unrecognized" only ever names a field that
Anthropic does not have either. Blocks of a reply are sent back as they were received: what only replies hold is taken, too.

Source: https://docs.anthropic.com/en/api/messages; the request types of the official SDK (anthropic 2.14.0), read 2026-11-27.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from gateway.surface.openai.wire.requests import Alias, Closed, Extension, FunctionName, Ignored, Refused, Share, TokenCount

NonEmpty = Annotated[str, Meta(min_length=1)]
CallId = Annotated[str, Meta(min_length=1, max_length=256)]


class CacheControl(Closed, frozen=True, tag_field="type", tag="ephemeral"):
    """Everything up to the end of what carries it may be kept in the model's prompt cache."""

    ttl: Literal["5m", "1h"] | None = None


class TextBlockParam(Closed, frozen=True, tag_field="type", tag="text"):
    """A run of text."""

    text: str
    cache_control: CacheControl | None = None
    citations: Ignored = None
    parsed_output: Ignored = None


class Base64Source(Closed, frozen=True, tag_field="type", tag="base64"):
    """The bytes themselves."""

    media_type: str
    data: str


class UrlSource(Closed, frozen=True, tag_field="type", tag="url"):
    """Refused: Quarry fetches nothing."""

    url: str


class FileSource(Closed, frozen=True, tag_field="type", tag="file"):
    """Refused: nothing is stored."""

    file_id: str


class PlainSource(Closed, frozen=True, tag_field="type", tag="text"):
    """The text itself."""

    media_type: Literal["text/plain"]
    data: str


class ContentSource(Closed, frozen=True, tag_field="type", tag="content"):
    """The text itself, in pieces."""

    content: str | Annotated[tuple[TextBlockParam, ...], Meta(min_length=1)]


class ImageBlockParam(Closed, frozen=True, tag_field="type", tag="image"):
    """A JPEG, PNG, GIF or WebP, in base64."""

    source: Base64Source | UrlSource | FileSource
    cache_control: CacheControl | None = None
    transformations: Ignored = None


class CitationsConfigParam(Closed, frozen=True):
    """Refused when enabled: no family here cites."""

    enabled: bool | None = None


class DocumentBlockParam(Closed, frozen=True, tag_field="type", tag="document"):
    """A PDF in base64, or text."""

    source: Base64Source | PlainSource | ContentSource | UrlSource | FileSource
    title: str | None = None
    context: Refused = None
    citations: CitationsConfigParam | None = None
    cache_control: CacheControl | None = None


class ToolUseBlockParam(Closed, frozen=True, tag_field="type", tag="tool_use"):
    """A call that the assistant made in an earlier turn."""

    id: CallId
    name: FunctionName
    input: dict[str, Any]
    cache_control: CacheControl | None = None
    caller: Ignored = None
    toolset_name: Refused = None


class ToolResultBlockParam(Closed, frozen=True, tag_field="type", tag="tool_result"):
    """What a tool answered; ``is_error`` where it failed."""

    tool_use_id: CallId
    content: str | tuple[TextBlockParam | ImageBlockParam | DocumentBlockParam, ...] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None
    toolset_name: Refused = None


class ThinkingBlockParam(Closed, frozen=True, tag_field="type", tag="thinking"):
    """What the model thought in an earlier turn, with its seal: sent back as it was received."""

    thinking: str
    signature: str = ""


class RedactedThinkingBlockParam(Closed, frozen=True, tag_field="type", tag="redacted_thinking"):
    """A thought that only the model can read."""

    data: NonEmpty


UserBlock = TextBlockParam | ImageBlockParam | DocumentBlockParam | ToolResultBlockParam
AssistantBlock = TextBlockParam | ToolUseBlockParam | ThinkingBlockParam | RedactedThinkingBlockParam
Texts = str | Annotated[tuple[TextBlockParam, ...], Meta(min_length=1)]


class UserMessageParam(Closed, frozen=True, tag_field="role", tag="user"):
    """What the user says, and what tools have answered."""

    content: str | Annotated[tuple[UserBlock, ...], Meta(min_length=1)]


class AssistantMessageParam(Closed, frozen=True, tag_field="role", tag="assistant"):
    """What the model said; as the last message, the beginning of what it is to say."""

    content: str | tuple[AssistantBlock, ...]


class SystemMessageParam(Closed, frozen=True, tag_field="role", tag="system"):
    """Instructions in the middle of a conversation."""

    content: Texts


Message = UserMessageParam | AssistantMessageParam | SystemMessageParam


class ToolParam(Closed, frozen=True, omit_defaults=True):
    """A tool of the caller's. Tools that Anthropic runs, or whose schema only Anthropic knows, are refused by their type."""

    name: FunctionName
    input_schema: dict[str, Any]
    type: Literal["custom"] | None = None
    description: str | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None
    allowed_callers: Refused = None
    defer_loading: Refused = None
    input_examples: Refused = None
    eager_input_streaming: Ignored = None


class ToolChoiceAutoParam(Closed, frozen=True, tag_field="type", tag="auto"):
    """The model decides."""

    disable_parallel_tool_use: bool | None = None


class ToolChoiceAnyParam(Closed, frozen=True, tag_field="type", tag="any"):
    """The model must call a tool."""

    disable_parallel_tool_use: bool | None = None


class ToolChoiceToolParam(Closed, frozen=True, tag_field="type", tag="tool"):
    """The model must call this tool."""

    name: str
    disable_parallel_tool_use: bool | None = None


class ToolChoiceNoneParam(Closed, frozen=True, tag_field="type", tag="none"):
    """The model may call nothing."""


Choice = ToolChoiceAutoParam | ToolChoiceAnyParam | ToolChoiceToolParam | ToolChoiceNoneParam
Display = Literal["summarized", "omitted"]


class ThinkingEnabled(Closed, frozen=True, tag_field="type", tag="enabled"):
    """So many tokens of thinking at most; they count among ``max_tokens``. ``omitted`` leaves only the seals in the reply."""

    budget_tokens: TokenCount
    display: Display | None = None


class ThinkingAdaptive(Closed, frozen=True, tag_field="type", tag="adaptive"):
    """As much thinking as ``output_config.effort`` says; ``high`` unless it does."""

    display: Display | None = None


class ThinkingDisabled(Closed, frozen=True, tag_field="type", tag="disabled"):
    """No thinking."""


Thinking = ThinkingEnabled | ThinkingAdaptive | ThinkingDisabled


class JsonFormat(Closed, frozen=True, tag_field="type", tag="json_schema"):
    """JSON of this schema."""

    schema: dict[str, Any]


class OutputConfigParam(Closed, frozen=True):
    """The shape of the answer, and how much to think about it."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonFormat | None = None
    task_budget: Refused = None


class Metadata(Closed, frozen=True):
    """Accepted; it changes no answer here."""

    user_id: str | None = None


class CountBody(Closed, frozen=True, kw_only=True):
    """A request to count the tokens of a prompt. ``null`` is the same as leaving a field out."""

    model: Alias
    messages: Annotated[tuple[Message, ...], Meta(min_length=1)]
    system: str | tuple[TextBlockParam, ...] | None = None
    tools: tuple[ToolParam, ...] | None = None
    tool_choice: Choice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfigParam | None = None
    output_format: Annotated[JsonFormat | None, Meta(description="The older place of output_config.format.")] = None
    cache_control: Annotated[CacheControl | None, Meta(description="Of the end of the last message.")] = None
    quarry: Annotated[Extension | None, Meta(description="What only this gateway knows.")] = None
    user_profile_id: Ignored = None
    billing_policy: Ignored = None

    speed: Refused = None
    compaction: Refused = None
    context_management: Refused = None
    mcp_servers: Refused = None


class MessageBody(CountBody, frozen=True, kw_only=True):
    """A request for a message. ``null`` is the same as leaving a field out."""

    max_tokens: TokenCount
    temperature: Share | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    stop_sequences: tuple[NonEmpty, ...] | None = None
    stream: bool | None = None
    metadata: Metadata | None = None
    service_tier: Annotated[
        Literal["auto", "standard_only"] | None, Meta(description="Accepted; Bedrock chooses the tier by the target.")
    ] = None
    diagnostics: Ignored = None

    container: Refused = None
    inference_geo: Refused = None
    fallbacks: Refused = None
    fallback_credit_token: Refused = None
    thread: Refused = None
