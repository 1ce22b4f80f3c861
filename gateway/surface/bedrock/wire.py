"""Converse's body as it comes, member for member. Unknown members are refused: what is not read must not seem to be.

Unions of AWS's are Structs of which one member is set; ``said`` says which. Blobs are base64 text on the wire.

Source: botocore's service model of bedrock-runtime, 2023-09-30, in the versions 1.40.61 and 1.43.117.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Json = Any
Object = dict[str, Any]
NonEmpty = Annotated[str, Meta(min_length=1)]
ToolName = Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,64}\\Z")]
ToolUseId = Annotated[str, Meta(pattern="^[a-zA-Z0-9_.:-]{1,64}\\Z")]


class Shape(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A structure of AWS's."""


class Source(Shape, frozen=True):
    """Where an image's or a document's bytes are."""

    bytes: str | None = None
    text: str | None = None
    s3_location: Object | None = None
    content: list[Object] | None = None


class Image(Shape, frozen=True):
    format: Literal["png", "jpeg", "gif", "webp"]
    source: Source


class Citations(Shape, frozen=True):
    enabled: bool


class Document(Shape, frozen=True):
    name: NonEmpty
    source: Source
    format: Literal["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"] | None = None
    context: str | None = None
    citations: Citations | None = None


class CachePoint(Shape, frozen=True):
    type: Literal["default"]
    ttl: Literal["5m", "1h"] | None = None


class GuardedText(Shape, frozen=True):
    text: str
    qualifiers: list[str] | None = None


class GuardContent(Shape, frozen=True):
    text: GuardedText | None = None
    image: Image | None = None


class ReasoningText(Shape, frozen=True):
    text: str
    signature: str | None = None


class ReasoningContent(Shape, frozen=True):
    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class ToolUse(Shape, frozen=True):
    tool_use_id: ToolUseId
    name: ToolName
    input: Json
    type: str | None = None


class ToolResultBlock(Shape, frozen=True):
    text: str | None = None
    json: Object | list[Json] | str | float | bool | None = None
    image: Image | None = None
    document: Document | None = None
    video: Object | None = None
    search_result: Object | None = None


class ToolResult(Shape, frozen=True):
    tool_use_id: ToolUseId
    content: tuple[ToolResultBlock, ...]
    status: Literal["success", "error"] | None = None
    type: str | None = None


class CitedText(Shape, frozen=True):
    text: str


class CitationsContent(Shape, frozen=True):
    content: tuple[CitedText, ...] = ()
    citations: list[Object] | None = None


class Block(Shape, frozen=True):
    """``ContentBlock``."""

    text: str | None = None
    image: Image | None = None
    document: Document | None = None
    tool_use: ToolUse | None = None
    tool_result: ToolResult | None = None
    reasoning_content: ReasoningContent | None = None
    cache_point: CachePoint | None = None
    guard_content: GuardContent | None = None
    citations_content: CitationsContent | None = None
    video: Object | None = None
    audio: Object | None = None
    search_result: Object | None = None


class SystemBlock(Shape, frozen=True):
    text: NonEmpty | None = None
    guard_content: GuardContent | None = None
    cache_point: CachePoint | None = None


class Message(Shape, frozen=True):
    role: Literal["user", "assistant"]
    content: Annotated[tuple[Block, ...], Meta(min_length=1)]


class InferenceConfig(Shape, frozen=True):
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    stop_sequences: Annotated[tuple[NonEmpty, ...], Meta(max_length=2500)] = ()


class InputSchema(Shape, frozen=True):
    json: Object


class ToolSpec(Shape, frozen=True):
    name: ToolName
    input_schema: InputSchema
    description: NonEmpty | None = None
    strict: bool | None = None


class Tool(Shape, frozen=True):
    tool_spec: ToolSpec | None = None
    cache_point: CachePoint | None = None
    system_tool: Object | None = None


class NamedTool(Shape, frozen=True):
    name: ToolName


class Nothing(Shape, frozen=True):
    """``{}``."""


class ToolChoice(Shape, frozen=True):
    auto: Nothing | None = None
    any: Nothing | None = None
    tool: NamedTool | None = None


class ToolConfig(Shape, frozen=True):
    tools: Annotated[tuple[Tool, ...], Meta(min_length=1)]
    tool_choice: ToolChoice | None = None


class JsonSchema(Shape, frozen=True):
    schema: str
    name: str | None = None
    description: str | None = None


class Structure(Shape, frozen=True):
    json_schema: JsonSchema


class TextFormat(Shape, frozen=True):
    type: Literal["json_schema"]
    structure: Structure


class OutputConfig(Shape, frozen=True):
    text_format: TextFormat | None = None


class PerformanceConfig(Shape, frozen=True):
    latency: Literal["standard", "optimized"] = "standard"


class ServiceTier(Shape, frozen=True):
    type: Literal["default", "priority", "flex", "reserved"]


class PromptVariable(Shape, frozen=True):
    """``PromptVariableValues``."""

    text: str


class ConverseBody(Shape, frozen=True):
    """The body of ``Converse`` and ``ConverseStream``; the model is in the path."""

    messages: Annotated[tuple[Message, ...], Meta(min_length=1)]
    system: tuple[SystemBlock, ...] = ()
    inference_config: InferenceConfig = InferenceConfig()
    tool_config: ToolConfig | None = None
    guardrail_config: Object | None = None
    additional_model_request_fields: Object | None = None
    prompt_variables: dict[str, PromptVariable] | None = None
    additional_model_response_field_paths: tuple[str, ...] = ()
    request_metadata: dict[str, str] | None = None
    performance_config: PerformanceConfig | None = None
    service_tier: ServiceTier | None = None
    output_config: OutputConfig | None = None


class TokenUsage(Struct, rename="camel", omit_defaults=True):
    """``inputTokens`` are those that no cache held; ``totalTokens`` are all."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0


class Metrics(Struct, rename="camel"):
    latency_ms: int


class ReplyMessage(Struct):
    content: list[Object]
    role: Literal["assistant"] = "assistant"


class Output(Struct):
    message: ReplyMessage


class ConverseReply(Struct, rename="camel", omit_defaults=True):
    """The body of a whole reply."""

    output: Output
    stop_reason: str
    usage: TokenUsage
    metrics: Metrics
    additional_model_response_fields: Object | None = None


class Problem(Struct):
    """An error: its name is in the header ``x-amzn-ErrorType``."""

    message: str


def said(union: Struct) -> str | None:
    """The one member of a union that is set, as Python spells it; ``None`` for none or several."""
    members = [name for name in union.__struct_fields__ if getattr(union, name) is not None]
    return members[0] if len(members) == 1 else None
