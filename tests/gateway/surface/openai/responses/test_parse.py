"""What the body of a response becomes, and what of it is refused before any family is asked."""

import json

import pytest

from adapters.chat import Message, ResponseFormat, Sampling, Text, ToolChoice, ToolSpec
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.responses.parse import notes_of, parse_response

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"city": {}}}}
CLOCK = {"type": "function", "name": "clock"}


def parse(body: bytes) -> Call:
    return parse_response(body, Arrival("req-1", KEY, 1.5))


def asked(**fields: object) -> Call:
    return parse(json.dumps({"model": "support-haiku", "input": "hi"} | fields).encode())


def nested(levels: int) -> dict[str, object]:
    schema: dict[str, object] = {}
    for _ in range(levels - 1):
        schema = {"x": schema}
    return schema


def test_smallest() -> None:
    """Model and input are enough; everything else means that the caller did not say."""
    call = asked()

    assert (call.id, call.alias, call.received_at, call.key) == ("req-1", "support-haiku", 1.5, KEY)
    assert (call.stream, call.choices, call.include_usage) == (False, 1, False)
    assert call.request.messages == (Message("user", (Text("hi"),)),)
    assert call.request.sampling == Sampling()
    assert (call.request.tools, call.request.tool_choice, call.request.response_format) == ((), None, None)
    assert (call.request.advisory, notes_of(call).encrypted) == ((), False)


def test_nulls() -> None:
    """A field that is null was not given: generated clients send all of them."""
    names = set(notes_of(asked()).asked.__struct_fields__) - {"model", "input"}

    assert asked(**dict.fromkeys(names)).request == asked().request


def test_instructions() -> None:
    """Instructions stand before everything, also before the input's own."""
    system = {"role": "developer", "content": "b"}

    roles = [(message.role, message.text) for message in asked(instructions="a", input=[system]).request.messages]

    assert roles == [("system", "a"), ("system", "b")]


SAMPLING = {
    "max_output_tokens": ({"max_output_tokens": 5}, {"max_tokens": 5}),
    "temperature": ({"temperature": 0}, {"temperature": 0.0}),
    "top_p": ({"top_p": 1}, {"top_p": 1.0}),
    "effort": ({"reasoning": {"effort": "high"}}, {"reasoning_effort": "high"}),
    "logprobs by include": ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
    "logprobs by top_logprobs": ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
    "no top_logprobs": ({"top_logprobs": 0}, {}),
}


@pytest.mark.parametrize(("fields", "expected"), SAMPLING.values(), ids=SAMPLING.keys())
def test_sampling(fields: dict[str, object], expected: dict[str, object]) -> None:
    """Each knob arrives under the canonical name."""
    assert asked(**fields).request.sampling == Sampling(**expected)


SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
FORMATS = {
    "text": ({"type": "text"}, None),
    "any object": ({"type": "json_object"}, ResponseFormat("json_object")),
    "a schema": (
        {"type": "json_schema", "name": "X", "schema": SCHEMA, "strict": True},
        ResponseFormat("json_schema", "X", SCHEMA, True),
    ),
}


@pytest.mark.parametrize(("wanted", "expected"), FORMATS.values(), ids=FORMATS.keys())
def test_formats(wanted: dict[str, object], expected: ResponseFormat | None) -> None:
    """Structured answers are asked for in ``text.format``, without chat's inner object."""
    assert asked(text={"format": wanted}).request.response_format == expected


CHOICES = {
    "auto": ("auto", ToolChoice("auto")),
    "none": ("none", ToolChoice("none")),
    "required": ("required", ToolChoice("required")),
    "named": ({"type": "function", "name": "clock"}, ToolChoice("named", "clock")),
}


@pytest.mark.parametrize(("choice", "expected"), CHOICES.values(), ids=CHOICES.keys())
def test_tools(choice: object, expected: ToolChoice) -> None:
    """Tools lie flat here; without parameters a function takes an empty object."""
    request = asked(tools=[WEATHER | {"strict": True, "description": "d"}, CLOCK], tool_choice=choice).request

    assert request.tools == (
        ToolSpec("weather", "d", WEATHER["parameters"], True),
        ToolSpec("clock", None, {"type": "object", "properties": {}}),
    )
    assert request.tool_choice == expected


def test_parallel() -> None:
    """``parallel_tool_calls`` is a wish about tools, and named where there are none."""
    assert asked(tools=[CLOCK], parallel_tool_calls=False).request.parallel_tool_calls is False
    assert asked(parallel_tool_calls=False).request.advisory == ("parallel_tool_calls",)


ADVISORY = {
    "store": ({"store": True}, ("store",)),
    "no store": ({"store": False}, ()),
    "metadata, which is returned": ({"metadata": {"a": "b"}}, ()),
    "summary": ({"reasoning": {"summary": "auto", "generate_summary": "concise"}}, ("reasoning.generate_summary", "reasoning.summary")),
    "include of other tools": ({"include": ["file_search_call.results"]}, ("include",)),
    "include of ours": ({"include": ["reasoning.encrypted_content"]}, ()),
    "who asks": ({"user": "u", "safety_identifier": "s"}, ("safety_identifier", "user")),
    "a tier that means nothing": ({"service_tier": "auto"}, ("service_tier",)),
    "what is so anyway": ({"background": False, "truncation": "disabled", "context_management": []}, ()),
    "obfuscation": ({"stream": True, "stream_options": {"include_obfuscation": True}}, ("stream_options.include_obfuscation",)),
    "calls of tools that only OpenAI has": ({"max_tool_calls": 3}, ("max_tool_calls",)),
    "description of a schema": (
        {"text": {"format": {"type": "json_schema", "name": "X", "schema": {}, "description": "d"}}},
        ("text.format.description",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), ADVISORY.values(), ids=ADVISORY.keys())
def test_advisory(fields: dict[str, object], expected: tuple[str, ...]) -> None:
    """What changes no answer is accepted, and reported back if it had no effect."""
    assert asked(**fields).request.advisory == expected


REFUSED = {
    "a stored response": ({"previous_response_id": "resp_1"}, "stores no responses: send the earlier items", "previous_response_id"),
    "a conversation": ({"conversation": "conv_1"}, "stores no responses", "conversation"),
    "a stored prompt": ({"prompt": {"id": "pmpt_1"}}, "stores no prompts", "prompt"),
    "the background": ({"background": True}, "background is not supported", "background"),
    "truncation": ({"truncation": "auto"}, "truncation is not supported", "truncation"),
    "a tier": ({"service_tier": "priority"}, "service_tier is not supported", "service_tier"),
    "compaction": ({"context_management": [{"type": "compaction"}]}, "context_management", "context_management"),
    "moderation": ({"moderation": {"model": "m"}}, "moderation is not supported", "moderation"),
    "verbosity": ({"text": {"verbosity": "low"}}, "text.verbosity is not supported", "text.verbosity"),
    "a mode of reasoning": ({"reasoning": {"mode": "pro"}}, "reasoning.mode is not supported", "reasoning.mode"),
    "a hosted tool": ({"tools": [{"type": "web_search"}]}, 'tools of type "web_search" are not supported', "tools[0].type"),
    "a custom tool": ({"tools": [CLOCK, {"type": "custom", "name": "x"}]}, "functions are the only kind", "tools[1].type"),
    "an async tool": ({"tools": [CLOCK | {"async": True}]}, "async is not supported", "tools[0].async"),
    "a hosted choice": ({"tools": [CLOCK], "tool_choice": {"type": "file_search"}}, 'of type "file_search"', "tool_choice.type"),
    "a choice that is no tool": ({"tools": [CLOCK], "tool_choice": {"type": "function", "name": "f"}}, "not among", "tool_choice"),
    "required of nothing": ({"tool_choice": "required"}, "needs tools", "tool_choice"),
    "a name twice": ({"tools": [CLOCK, CLOCK]}, "given twice", "tools[1].name"),
    "chat's shape of a tool": (
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        'Unrecognized request argument "function" in tools',
        "tools[0].function",
    ),
    "a deep schema": ({"tools": [CLOCK | {"parameters": nested(62)}]}, "nested deeper", "tools[0].parameters"),
    "a deep format": (
        {"text": {"format": {"type": "json_schema", "name": "X", "schema": nested(62)}}},
        "nested deeper",
        "text.format.schema",
    ),
    "an unknown inclusion": ({"include": ["everything"]}, 'include.* unknown value "everything"', "include"),
    "stream_options alone": ({"stream_options": {}}, "only for stream", "stream_options"),
    "a field of chat's": ({"max_tokens": 5}, "Unrecognized request argument", "max_tokens"),
    "a misspelt field": ({"instruction": "x"}, "did you mean instructions", "instruction"),
    "no input": ({"input": None}, "input must be", "input"),
    "nothing in it": ({"input": []}, "input must not be empty", "input"),
    "too hot": ({"temperature": 2.5}, "temperature is 2.5", "temperature"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "message", "parameter"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(fields: dict[str, object], message: str, parameter: str) -> None:
    """What cannot be honoured is a refusal that names the field, also at depth."""
    with pytest.raises(InvalidRequest, match=message) as caught:
        asked(**fields)

    assert (caught.value.parameter or "").startswith(parameter)


def test_repeated() -> None:
    """The model twice means two things to two readers."""
    with pytest.raises(InvalidRequest, match="given twice"):
        parse(b'{"model":"a","model":"b","input":"x"}')


HOSTILE = {
    "nothing": b"",
    "a list": b"[]",
    "cut": b'{"model":"m","input":[{"role":"user"',
    "surrogate": b'{"model":"m","input":[{"role":"user","content":"\\ud800"}]}',
    "deep": b'{"model":"m","input":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep inside an untyped item": b'{"model":"m","input":[{"role":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}]}",
    "input of numbers": b'{"model":"m","input":[1,2]}',
    "items of lists": b'{"model":"m","input":[[[]]]}',
    "type of another kind": b'{"model":"m","input":[{"type":5,"role":"user"}]}',
    "a huge number": b'{"model":"m","input":[{"role":"user","content":"x"}],"temperature":1e999}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile(body: bytes) -> None:
    """Bytes that are no request are the caller's fault: a 400 with a short message, whatever they are."""
    with pytest.raises(InvalidRequest) as caught:
        parse(body)

    assert len(str(caught.value)) < 300
