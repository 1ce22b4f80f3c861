"""The body of a response into a ``Call``: what OpenAI's contract refuses is refused here, what a family cannot do is not.

Never raises anything but ``InvalidRequest``: whatever bytes come, the fault is the caller's and the answer a 400.
"""

from typing import Any

import msgspec
from msgspec import Struct

from adapters import chat
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.surface.answering import Arrival
from gateway.surface.openai.bodies import refuse_depth, refuse_repeated_fields
from gateway.surface.openai.complaints import explain
from gateway.surface.openai.fields import Unsupported, refuse_unsupported, said
from gateway.surface.openai.responses.hints import HINTS
from gateway.surface.openai.responses.items import advisory, conversation
from gateway.surface.openai.tools import free_choice, named_choice, specs
from gateway.surface.openai.wire import JsonObjectFormat
from gateway.surface.openai.wire.responses.request import JsonOfSchema, NamedFunction, ResponseBody

ADVISORY = (
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "max_tool_calls",
    "service_tier",
    "quarry",
)
"""Fields that change no answer: accepted and reported back."""

_STORED = "Quarry stores no responses"
UNSUPPORTED: Unsupported = {
    "previous_response_id": ((), f"{_STORED}: send the earlier items in input"),
    "conversation": ((), f"{_STORED}: send the earlier items in input"),
    "prompt": ((), "Quarry stores no prompts: send instructions and input"),
    "background": ((False,), f"{_STORED}: stream it instead"),
    "background_options": ((), f"{_STORED}: stream it instead"),
    "truncation": (("disabled",), "leave earlier items out of input yourself"),
    "service_tier": (("auto", "default"), "Bedrock chooses the tier by the target"),
    "context_management": (([],), "leave earlier items out of input yourself"),
    "moderation": ((), "moderate before or after the call"),
    "access_programs": ((), "it is about OpenAI's own models"),
    "image": (({}, {"context_compression": "auto"}, {"context_compression": "disabled"}), "images go to the model as they are"),
}
"""Fields of OpenAI's responses that nothing here can honour."""

ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"

_decode = msgspec.json.Decoder(ResponseBody).decode
_PROBLEMS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Notes(Struct, frozen=True):
    """What the reply needs to know of the request.

    Attributes:
        asked: The body itself: a response repeats most of it.
        encrypted: Whether thoughts come with what a later turn needs of them.
    """

    asked: ResponseBody
    encrypted: bool = False


def parse_response(body: bytes, arrival: Arrival) -> Call:
    """Read a request of ``POST /v1/responses``.

    Raises:
        InvalidRequest: The body is not JSON, not OpenAI's shape, or asks for what nothing here can do. ``parameter`` is the
            field to change, as OpenAI spells it.
    """
    asked = _read(body)
    refuse_repeated_fields(body)
    if asked.stream_options is not None and not asked.stream:
        raise InvalidRequest("stream_options is only for stream: true", parameter="stream_options")
    return Call(
        id=arrival.id,
        key=arrival.key,
        alias=asked.model,
        request=_request(asked, body),
        received_at=arrival.received_at,
        stream=asked.stream or False,
        notes=Notes(asked, encrypted=ENCRYPTED in (asked.include or ())),
    )


def notes_of(call: Call) -> Notes:
    """What ``parse_response`` has noted."""
    assert isinstance(call.notes, Notes)
    return call.notes


def _read(body: bytes) -> ResponseBody:
    """The body in its shape. A message may come without its type, which the decoder needs, so such a body is read twice."""
    try:
        return _decode(body)
    except _PROBLEMS as error:
        typed = _typed(body)
        if typed is None:
            raise explain(body, error, HINTS) from error
    try:
        return msgspec.convert(typed, ResponseBody)
    except _PROBLEMS as error:
        raise explain(body, error, HINTS) from error


def _typed(body: bytes) -> dict[str, Any] | None:
    """The body, every item of its input with a type; ``None`` where that changes nothing, or it cannot be read at all."""
    try:
        values = msgspec.json.decode(body)
    except _PROBLEMS:
        return None
    items = values.get("input") if isinstance(values, dict) else None
    if not isinstance(items, list):
        return None
    typed = [_typed_item(item) for item in items]
    return values | {"input": typed} if typed != items else None


def _typed_item(item: Any) -> Any:
    if isinstance(item, dict) and item.get("type") is None:
        return item | {"type": "message" if "role" in item else "item_reference"}
    return item


def _request(asked: ResponseBody, body: bytes) -> chat.ChatRequest:
    if asked.tools or asked.text:
        _refuse_depth(asked, body)
    tools = specs(asked.tools) if asked.tools else ()
    return chat.ChatRequest(
        messages=_messages(asked),
        sampling=_sampling(asked),
        tools=tools,
        tool_choice=_tool_choice(asked, tools),
        parallel_tool_calls=asked.parallel_tool_calls if tools else None,
        response_format=_response_format(asked),
        advisory=_advisory(asked),
        variables=_variables(asked),
    )


def _variables(asked: ResponseBody) -> dict[str, str] | None:
    own = asked.quarry.variables if asked.quarry is not None else None
    return {**(asked.metadata or {}), **own} if own else asked.metadata


def _messages(asked: ResponseBody) -> tuple[chat.Message, ...]:
    said = asked.input
    messages = (chat.Message("user", (chat.Text(said),)),) if isinstance(said, str) else conversation(said)
    if asked.instructions is None:
        return messages
    return (chat.Message("system", (chat.Text(asked.instructions),)), *messages)


def _refuse_depth(asked: ResponseBody, body: bytes) -> None:
    schemas: list[tuple[str, int, object]] = [
        (f"tools[{place}].parameters", 3, tool.parameters) for place, tool in enumerate(asked.tools or ())
    ]
    if asked.text is not None and isinstance(asked.text.format, JsonOfSchema):
        schemas.append(("text.format.schema", 3, asked.text.format.schema))
    refuse_depth(body, schemas)


def _sampling(asked: ResponseBody) -> chat.Sampling:
    return chat.Sampling(
        max_tokens=asked.max_output_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        logprobs=True if asked.top_logprobs or LOGPROBS in (asked.include or ()) else None,
        top_logprobs=asked.top_logprobs or None,
        reasoning_effort=asked.reasoning.effort if asked.reasoning else None,
    )


def _tool_choice(asked: ResponseBody, tools: tuple[chat.ToolSpec, ...]) -> chat.ToolChoice | None:
    choice = asked.tool_choice
    if choice is None:
        return None
    if isinstance(choice, NamedFunction):
        return named_choice(choice.name, tools)
    return free_choice(choice, tools)


def _response_format(asked: ResponseBody) -> chat.ResponseFormat | None:
    wanted = asked.text.format if asked.text else None
    if isinstance(wanted, JsonOfSchema):
        return chat.ResponseFormat("json_schema", wanted.name, wanted.schema, wanted.strict)
    if isinstance(wanted, JsonObjectFormat):
        return chat.ResponseFormat("json_object")
    return None  # "text" is the default


def _advisory(asked: ResponseBody) -> tuple[str, ...]:
    """What the caller sent that is accepted and does nothing, in a stable order."""
    _refuse(asked)
    names = said(asked, ADVISORY) | (advisory(asked.input) if isinstance(asked.input, tuple) else set())
    if asked.store:
        names.add("store")
    if asked.stream_options is not None and asked.stream_options.include_obfuscation:
        names.add("stream_options.include_obfuscation")
    if set(asked.include or ()) - {ENCRYPTED, LOGPROBS}:
        names.add("include")
    if asked.parallel_tool_calls is not None and not asked.tools:
        names.add("parallel_tool_calls")
    if asked.reasoning is not None:
        names |= {f"reasoning.{name}" for name in said(asked.reasoning, ("summary", "generate_summary"))}
    if asked.text is not None and isinstance(asked.text.format, JsonOfSchema) and asked.text.format.description:
        names.add("text.format.description")
    return tuple(sorted(names))


def _refuse(asked: ResponseBody) -> None:
    """Refuse what would change the answer and cannot be honoured, at whatever depth it stands."""
    refuse_unsupported(asked, UNSUPPORTED)
    if asked.reasoning is not None:
        refuse_unsupported(asked.reasoning, _REASONING, inside="reasoning.")
    if asked.text is not None:
        refuse_unsupported(asked.text, {"verbosity": (("medium",), "ask for a length in instructions")}, inside="text.")
    for place, tool in enumerate(asked.tools or ()):
        refuse_unsupported(tool, _TOOL, inside=f"tools[{place}].")


_REASONING: Unsupported = {
    "context": (("auto",), "send the thoughts that the model should see, and no others"),
    "mode": (("standard",), "a model thinks in one way"),
}
_TOOL: Unsupported = {
    "defer_loading": ((False,), "every tool is shown to the model"),
    "async_": ((False,), "a call is answered before the conversation goes on"),
}
