"""What a caller may write: OpenAI's chat request, field for field. Judges nothing beyond shape, and knows no reply.

Every field of OpenAI's own request is known here, supported or not, so that "unrecognized" only ever names a field that
OpenAI does not have either.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

MOST_CHOICES = 8
"""The largest ``n``: each choice is a paid request of its own."""

# ``$`` alone lets a trailing newline through in Python; the lookahead closes that and means nothing to ECMAScript.
NO_NEWLINE = r"(?!\n)"
NAME_PATTERN = r"^[a-zA-Z0-9_-]{1,64}$" + NO_NEWLINE
PARTICIPANT_PATTERN = r"^[^\s<|\\/>]{1,64}$" + NO_NEWLINE

Alias = Annotated[str, Meta(min_length=1, max_length=256, description="An alias of this gateway.")]
FunctionName = Annotated[str, Meta(pattern=NAME_PATTERN)]
ParticipantName = Annotated[str, Meta(pattern=PARTICIPANT_PATTERN)]
StopText = Annotated[str, Meta(min_length=1)]
Stop = StopText | Annotated[tuple[StopText, ...], Meta(max_length=4)]
TokenCount = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Share = Annotated[float, Meta(ge=0, le=1)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
LogitBias = dict[str, Annotated[float, Meta(ge=-100, le=100)]]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Detail = Literal["auto", "low", "high", "original"]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Refused = Annotated[Any, Meta(description="Known but not supported: refused unless it is null or OpenAI's default.")]
Ignored = Annotated[Any, Meta(description="Accepted; it changes no answer here.")]


class Closed(Struct, frozen=True, forbid_unknown_fields=True):
    """A request object: fields that it does not name are refused."""


class PromptCacheBreakpoint(Closed, frozen=True):
    """Everything up to the end of this part may be kept in the model's prompt cache, for so long at least.

    OpenAI's words are ``30m`` and ``12h``; Bedrock keeps a prompt ``5m`` or ``1h``, and these are taken, too.
    """

    mode: Literal["explicit"]
    ttl: Literal["30m", "12h", "5m", "1h"] | None = None


class TextPart(Closed, frozen=True, tag_field="type", tag="text"):
    """A run of text."""

    text: str
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class RefusalPart(Closed, frozen=True, tag_field="type", tag="refusal"):
    """What an assistant said when it refused, in an earlier turn."""

    refusal: str


class ImageUrl(Closed, frozen=True):
    """An image as a base64 ``data:`` URL of a JPEG, PNG, GIF or WebP. Other URLs are refused: Quarry fetches nothing."""

    url: str
    detail: Detail | None = None


class ImagePart(Closed, frozen=True, tag_field="type", tag="image_url"):
    """An image."""

    image_url: ImageUrl
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class FileContent(Closed, frozen=True):
    """A file as a base64 ``data:`` URL with its media type: PDF, or text. Nothing is stored, so a ``file_id`` is refused."""

    file_data: str | None = None
    file_id: Refused = None
    filename: str | None = None


class FilePart(Closed, frozen=True, tag_field="type", tag="file"):
    """A document."""

    file: FileContent
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


TextContent = str | Annotated[tuple[TextPart, ...], Meta(min_length=1)]
UserContent = str | Annotated[tuple[TextPart | ImagePart | FilePart, ...], Meta(min_length=1)]
AssistantContent = str | Annotated[tuple[TextPart | RefusalPart, ...], Meta(min_length=1)]


class CalledFunction(Closed, frozen=True):
    """The function that a call named, and its arguments: the JSON text of one object.

    ``parsed_arguments`` comes from the official SDK's own reply objects, sent back as they were received.
    """

    name: FunctionName
    arguments: str
    parsed_arguments: Ignored = None


class ToolCall(Closed, frozen=True, tag_field="type", tag="function"):
    """A call that the assistant made in an earlier turn; ``index`` is left in it by those who gathered it from a stream."""

    id: Annotated[str, Meta(min_length=1)]
    function: CalledFunction
    index: Ignored = None


class SystemMessage(Closed, frozen=True, tag_field="role", tag="system"):
    """Instructions."""

    content: TextContent
    name: ParticipantName | None = None


class DeveloperMessage(Closed, frozen=True, tag_field="role", tag="developer"):
    """Instructions; the same as role ``system``."""

    content: TextContent
    name: ParticipantName | None = None


class UserMessage(Closed, frozen=True, tag_field="role", tag="user"):
    """What the user says."""

    content: UserContent
    name: ParticipantName | None = None


class ReasoningText(Closed, frozen=True, omit_defaults=True, tag_field="type", tag="reasoning.text"):
    """A thought of the model's, with the seal by which it knows the thought again."""

    text: str
    signature: str | None = None
    index: int | None = None


class ReasoningEncrypted(Closed, frozen=True, omit_defaults=True, tag_field="type", tag="reasoning.encrypted"):
    """A thought that only the model can read."""

    data: str
    index: int | None = None


ReasoningDetail = ReasoningText | ReasoningEncrypted


class AssistantMessage(Closed, frozen=True, tag_field="role", tag="assistant"):
    """What the assistant said: content, a refusal, tool calls, or several of them.

    ``annotations``, ``reasoning_content``, ``reasoning_details`` and ``parsed`` come from replies that are sent back as they
    were received. A model that thinks goes on from ``reasoning_details``.
    """

    content: AssistantContent | None = None
    name: ParticipantName | None = None
    refusal: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    annotations: Ignored = None
    reasoning_content: str | None = None
    reasoning_details: tuple[ReasoningDetail, ...] | None = None
    parsed: Ignored = None
    audio: Refused = None
    function_call: Refused = None


class ToolMessage(Closed, frozen=True, tag_field="role", tag="tool"):
    """The result of one tool call of the assistant's turn before it."""

    content: TextContent
    tool_call_id: Annotated[str, Meta(min_length=1)]


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


class FunctionDefinition(Closed, frozen=True):
    """A function the model may call; ``parameters`` is the JSON Schema of its arguments."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Closed, frozen=True, tag_field="type", tag="function"):
    """A tool; functions are the only kind."""

    function: FunctionDefinition


class FunctionReference(Closed, frozen=True):
    """A function by its name."""

    name: str


class NamedToolChoice(Closed, frozen=True, tag_field="type", tag="function"):
    """The model must call this function."""

    function: FunctionReference


class TextFormat(Closed, frozen=True, tag_field="type", tag="text"):
    """Plain text: the default."""


class JsonObjectFormat(Closed, frozen=True, tag_field="type", tag="json_object"):
    """Any one JSON object."""


class JsonSchema(Closed, frozen=True):
    """The schema that the answer must satisfy."""

    name: FunctionName
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class JsonSchemaFormat(Closed, frozen=True, tag_field="type", tag="json_schema"):
    """JSON of a given schema."""

    json_schema: JsonSchema


class StreamOptions(Closed, frozen=True):
    """Only with ``stream: true``. ``include_usage`` asks for one last chunk with the token counts."""

    include_usage: bool | None = None
    include_obfuscation: Ignored = None


class Extension(Closed, frozen=True):
    """What a protocol has no field for. ``variables`` fill the places of an alias's prompt format, above ``metadata``."""

    variables: dict[str, str] | None = None


class ChatCompletionBody(Closed, frozen=True):
    """A chat completion request. ``null`` is the same as leaving a field out."""

    model: Alias
    messages: Annotated[tuple[Message, ...], Meta(min_length=1)]

    max_completion_tokens: TokenCount | None = None
    max_tokens: Annotated[TokenCount | None, Meta(description="The older name of max_completion_tokens.")] = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    stop: Stop | None = None
    n: Annotated[int, Meta(ge=1, le=MOST_CHOICES)] | None = None
    seed: Seed | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: LogitBias | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    reasoning_effort: Effort | None = None

    stream: bool | None = None
    stream_options: StreamOptions | None = None

    tools: tuple[Tool, ...] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None

    user: Annotated[str | None, Meta(description="Accepted; it changes no answer here.")] = None
    metadata: Annotated[
        dict[str, str] | None,
        Meta(description="Texts for the places of an alias's prompt format; elsewhere it changes no answer."),
    ] = None
    quarry: Annotated[Extension | None, Meta(description="What only this gateway knows.")] = None
    store: Annotated[bool | None, Meta(description="Accepted; nothing is stored.")] = None
    safety_identifier: Annotated[str | None, Meta(description="Accepted; it changes no answer here.")] = None
    prompt_cache_key: Annotated[str | None, Meta(description="Accepted; it changes no answer here.")] = None
    prompt_cache_retention: Ignored = None
    prompt_cache_options: Ignored = None
    service_tier: Annotated[str | None, Meta(description='"auto" or "default"; other tiers are refused.')] = None

    modalities: Refused = None
    verbosity: Refused = None
    audio: Refused = None
    moderation: Refused = None
    prediction: Refused = None
    web_search_options: Refused = None
    functions: Refused = None
    function_call: Refused = None
