"""The canonical chat request: what a caller wants, in nobody's dialect.

Frozen values only. A surface builds one from its wire format, a family encodes it into a native body;
neither knows the other.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

Role = Literal["system", "user", "assistant", "tool"]


class Text(Struct, frozen=True, tag="text"):
    """A run of text inside a message."""

    text: str


class Image(Struct, frozen=True, tag="image"):
    """An image carried in the request itself; Quarry never fetches a URL.

    Attributes:
        media_type: ``image/jpeg``, ``image/png``, ``image/gif`` or ``image/webp``, read from the bytes, not from the label.
        data: Base64 text, unwrapped, as the native bodies carry it.
    """

    media_type: str
    data: str


class Document(Struct, frozen=True, tag="document"):
    """A document carried in the request, for families that read one beside the turns.

    Attributes:
        media_type: ``text/plain``, ``application/pdf``, …: as the caller labelled it.
        data: The text itself of a ``text/plain``; of every other type base64 text, unwrapped.
        title: What the caller calls it.
    """

    media_type: str
    data: str
    title: str | None = None


class Reasoning(Struct, frozen=True, tag="reasoning"):
    """What the model thought in an earlier turn of its own, sent back so that it can go on from there.

    Attributes:
        signature: The upstream's seal over ``text``: without it, it takes the text for a forgery.
        redacted: Thoughts that only the upstream can read, as it sent them; ``text`` is empty then.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class CachePoint(Struct, frozen=True, tag="cache_point"):
    """Everything up to here may be kept in the upstream's prompt cache. It changes no answer, only its price.

    Attributes:
        ttl: ``5m`` or ``1h``; ``None``: the upstream's default.
    """

    ttl: str | None = None


Part = Text | Image | Document | Reasoning | CachePoint


class ToolCall(Struct, frozen=True):
    """A call that the assistant made in an earlier turn.

    Attributes:
        arguments: JSON text of one object; ``{}`` when the call had none.
    """

    id: str
    name: str
    arguments: str


class Message(Struct, frozen=True):
    """One turn, or one piece of a turn: several messages of one role may follow each other.

    Attributes:
        parts: Content in order; empty when an assistant turn holds only tool calls.
        tool_calls: Calls made in this turn (role ``assistant`` only).
        tool_call_id: Which call this answers (role ``tool`` only).
        is_error: The tool failed, and the content says how (role ``tool`` only).
        name: The participant's name, where the caller gave one.
    """

    role: Role
    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    is_error: bool = False

    @property
    def text(self) -> str:
        """The text parts joined in order, everything else left out."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


class ToolSpec(Struct, frozen=True):
    """A function the model may call.

    Attributes:
        parameters: JSON Schema of the arguments; an empty object schema when the caller gave none.
        cache_point: The tools up to this one may be cached.
    """

    name: str
    description: str | None
    parameters: Mapping[str, Any]
    strict: bool | None = None
    cache_point: CachePoint | None = None


class ToolChoice(Struct, frozen=True):
    """How free the model is to call: ``named`` needs a name, the other modes have none."""

    mode: Literal["auto", "none", "required", "named"]
    name: str | None = None


class ResponseFormat(Struct, frozen=True):
    """The shape that the whole answer must have.

    Attributes:
        schema: JSON Schema of the answer, when ``kind`` is ``json_schema``.
    """

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None


class Sampling(Struct, frozen=True, omit_defaults=True):
    """The knobs of generation. ``None``, or an empty tuple, means that the caller did not say.

    Attributes:
        top_k: Not OpenAI's; Anthropic's and Bedrock's own protocols have it.
        reasoning_effort: OpenAI's word for how much to think.
        reasoning_tokens: How many tokens thinking may take: what Anthropic's protocol says instead of an effort.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning_effort: str | None = None
    top_k: int | None = None
    reasoning_tokens: int | None = None


class ChatRequest(Struct, frozen=True):
    """One chat request: at least one message; roles in any order that the caller chose.

    Attributes:
        advisory: Names of parameters that the caller sent, that no family honours, and that change no answer
            (``user``, ``metadata``, ``store``, …). They are reported back, never sent.
        prompt: The whole prompt, already written (``/v1/completions``, an alias's ``prompt``, the model's own chat
            template): it is sent as it stands. ``messages`` then only says what it was written from.
        variables: Named texts for the places of an alias's own prompt; no family sees them.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    advisory: tuple[str, ...] = ()
    prompt: str | None = None
    variables: Mapping[str, str] | None = None
