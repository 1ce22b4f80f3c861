"""OpenAI's chat wire, field for field: what a caller may write and what it reads back. It judges nothing beyond shape.

Every field of OpenAI's own request is known here, supported or not, so that "unrecognized" only ever names a field that
OpenAI does not have either. The same Structs make the OpenAPI document, so docstrings and ``Meta`` are read by callers.
``prompt_tokens`` and ``completion_tokens`` are words of this file and of ``render`` alone.

Source: https://platform.openai.com/docs/api-reference/chat/create; refereed by the official SDK's own types in
tests/referees/test_openai_schema.py.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

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
TokenCount = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Refused = Annotated[Any, Meta(description="Known but not supported: refused unless it is null or OpenAI's default.")]
Ignored = Annotated[Any, Meta(description="Accepted; it changes no answer here.")]


class Closed(Struct, frozen=True, forbid_unknown_fields=True):
    """A request object: fields that it does not name are refused."""


class TextPart(Closed, frozen=True, tag_field="type", tag="text"):
    """A run of text."""

    text: str
    prompt_cache_breakpoint: Ignored = None


class RefusalPart(Closed, frozen=True, tag_field="type", tag="refusal"):
    """What an assistant said when it refused, in an earlier turn."""

    refusal: str


class ImageUrl(Closed, frozen=True):
    """An image as a base64 ``data:`` URL of a JPEG, PNG, GIF or WebP. Other URLs are refused: Quarry fetches nothing."""

    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(Closed, frozen=True, tag_field="type", tag="image_url"):
    """An image."""

    image_url: ImageUrl
    prompt_cache_breakpoint: Ignored = None


TextContent = str | Annotated[tuple[TextPart, ...], Meta(min_length=1)]
UserContent = str | Annotated[tuple[TextPart | ImagePart, ...], Meta(min_length=1)]
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


class AssistantMessage(Closed, frozen=True, tag_field="role", tag="assistant"):
    """What the assistant said: content, a refusal, tool calls, or several of them.

    ``annotations``, ``reasoning_content`` and ``parsed`` come from replies that are sent back as they were received.
    """

    content: AssistantContent | None = None
    name: ParticipantName | None = None
    refusal: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    annotations: Ignored = None
    reasoning_content: Ignored = None
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


class ChatCompletionBody(Closed, frozen=True):
    """A chat completion request. ``null`` is the same as leaving a field out."""

    model: Alias
    messages: Annotated[tuple[Message, ...], Meta(min_length=1)]

    max_completion_tokens: TokenCount | None = None
    max_tokens: Annotated[TokenCount | None, Meta(description="The older name of max_completion_tokens.")] = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    stop: StopText | Annotated[tuple[StopText, ...], Meta(max_length=4)] | None = None
    n: Annotated[int, Meta(ge=1, le=MOST_CHOICES)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None

    stream: bool | None = None
    stream_options: StreamOptions | None = None

    tools: tuple[Tool, ...] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None

    user: Annotated[str | None, Meta(description="Accepted; it changes no answer here.")] = None
    metadata: Annotated[dict[str, str] | None, Meta(description="Accepted; it changes no answer here.")] = None
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


class TopLogprob(Struct, frozen=True):
    """One of the likeliest tokens at a place."""

    token: str
    logprob: float
    bytes: list[int] | None


class TokenLogprob(Struct, frozen=True):
    """An output token, its natural-log probability (-9999 when it was next to impossible), and the likeliest others."""

    token: str
    logprob: float
    bytes: list[int] | None
    top_logprobs: list[TopLogprob]


class ChoiceLogprobs(Struct, frozen=True):
    """Log probabilities of the output tokens, in order."""

    content: list[TokenLogprob] | None
    refusal: None = None


class ReplyFunction(Struct, frozen=True):
    """The function to call; ``arguments`` is always the JSON text of one object."""

    name: str
    arguments: str


class ReplyToolCall(Struct, frozen=True):
    """A call the model wants made."""

    id: str
    function: ReplyFunction
    type: Literal["function"] = "function"


class ReplyMessage(Struct, frozen=True):
    """The answer. ``content`` is null when there are only tool calls."""

    content: str | None
    role: Literal["assistant"] = "assistant"
    refusal: None = None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[ReplyToolCall] | UnsetType = UNSET


FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Choice(Struct, frozen=True):
    """One of the ``n`` answers."""

    index: int
    message: ReplyMessage
    finish_reason: FinishReason
    logprobs: ChoiceLogprobs | None = None


class PromptTokensDetails(Struct, frozen=True):
    """Of the prompt: tokens read from a cache, and tokens written to one."""

    cached_tokens: int
    cache_write_tokens: int


class CompletionTokensDetails(Struct, frozen=True):
    """Of the answer: tokens of reasoning."""

    reasoning_tokens: int


class CompletionUsage(Struct, frozen=True):
    """Tokens, summed over the choices. The prompt counts once per choice, cache reads and writes included.

    ``completion_tokens_details`` is left out when the model reasoned: Bedrock does not say how many tokens that took.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails | UnsetType = UNSET


class ChatCompletion(Struct, frozen=True):
    """A whole reply. ``model`` is the alias that was asked for; ``created`` is in Unix seconds."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: CompletionUsage | UnsetType = UNSET
    object: Literal["chat.completion"] = "chat.completion"


class FunctionDelta(Struct, frozen=True, omit_defaults=True):
    """``name`` only in a call's first chunk; ``arguments`` to be joined."""

    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(Struct, frozen=True, omit_defaults=True):
    """More of a tool call. ``index`` counts calls from 0; ``id`` and ``type`` only in a call's first chunk."""

    index: int
    function: FunctionDelta
    id: str | None = None
    type: Literal["function"] | None = None


class ChoiceDelta(Struct, frozen=True, omit_defaults=True):
    """More of an answer. ``role`` only in the first chunk of a choice."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    refusal: None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(Struct, frozen=True):
    """A choice inside a chunk; ``finish_reason`` is null but in its last chunk."""

    index: int
    delta: ChoiceDelta
    logprobs: ChoiceLogprobs | None
    finish_reason: FinishReason | None


class ChatCompletionChunk(Struct, frozen=True):
    """One event of a streamed reply. ``id``, ``created`` and ``model`` are the same in all of them.

    ``usage`` is there only with ``stream_options.include_usage``: null, but in the last chunk, whose ``choices`` is empty.
    """

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | UnsetType | None = UNSET
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"


class Model(Struct, frozen=True):
    """An alias that the key may use. ``created`` is when this gateway took the alias into service, in Unix seconds."""

    id: str
    created: int
    owned_by: str
    object: Literal["model"] = "model"


class ModelList(Struct, frozen=True):
    """Every alias that the key may use."""

    data: list[Model]
    object: Literal["list"] = "list"


class Error(Struct, frozen=True):
    """What went wrong. ``param`` names the field of the request to change, where there is one."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(Struct, frozen=True):
    """Every error, also inside a stream: there it is the last event."""

    error: Error
