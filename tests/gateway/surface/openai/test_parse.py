"""What a body becomes, and what of it is refused before any family is asked."""

import json

import pytest

from adapters.chat import ResponseFormat, Sampling, ToolChoice, ToolSpec
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai import wire
from gateway.surface.openai.parse import parse_chat

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)
HI = [{"role": "user", "content": "hi"}]
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {}}}}}
CLOCK = {"type": "function", "function": {"name": "clock"}}


def parse(body: bytes) -> Call:
    return parse_chat(body, Arrival("req-1", KEY, 1.5))


def asked(**fields: object) -> Call:
    return parse(json.dumps({"model": "support-haiku", "messages": HI} | fields).encode())


def refused(**fields: object) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        asked(**fields)
    return caught.value


def nested(levels: int) -> dict[str, object]:
    schema: dict[str, object] = {}
    for _ in range(levels - 1):
        schema = {"x": schema}
    return schema


def test_smallest() -> None:
    """Model and one message are enough; everything else means that the caller did not say."""
    call = asked()

    assert (call.id, call.alias, call.received_at, call.key) == ("req-1", "support-haiku", 1.5, KEY)
    assert (call.stream, call.choices, call.include_usage) == (False, 1, False)
    assert call.request.sampling == Sampling()
    assert (call.request.tools, call.request.tool_choice, call.request.response_format) == ((), None, None)
    assert call.request.advisory == ()


def test_nulls() -> None:
    """A field that is null was not given: generated clients send all of them."""
    names = set(Sampling.__struct_fields__) & set(wire.ChatCompletionBody.__struct_fields__)

    call = asked(**dict.fromkeys([*names, "n", "stream", "stream_options", "tools", "user", "audio", "functions"]))

    assert call.request == asked().request


SAMPLING = {
    "temperature zero (trap 28)": ({"temperature": 0}, {"temperature": 0.0}),
    "temperature at the top": ({"temperature": 2}, {"temperature": 2.0}),
    "top_p": ({"top_p": 0.9}, {"top_p": 0.9}),
    "stop as a string (trap 13)": ({"stop": "END"}, {"stop": ("END",)}),
    "stop as a list (trap 13)": ({"stop": ["a", "b", "c", "d"]}, {"stop": ("a", "b", "c", "d")}),
    "stop as an empty list": ({"stop": []}, {}),
    "max_tokens (trap 27)": ({"max_tokens": 5}, {"max_tokens": 5}),
    "max_completion_tokens (trap 27)": ({"max_completion_tokens": 6}, {"max_tokens": 6}),
    "both, equal (trap 27)": ({"max_tokens": 7, "max_completion_tokens": 7}, {"max_tokens": 7}),
    "seed": ({"seed": -(2**63)}, {"seed": -(2**63)}),
    "penalties": ({"frequency_penalty": -2, "presence_penalty": 2}, {"frequency_penalty": -2.0, "presence_penalty": 2.0}),
    "logit_bias": ({"logit_bias": {"50256": -100}}, {"logit_bias": {"50256": -100.0}}),
    "logprobs (trap 14)": ({"logprobs": True, "top_logprobs": 20}, {"logprobs": True, "top_logprobs": 20}),
    "logprobs off is the default": ({"logprobs": False}, {}),
    "reasoning_effort": ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
}


@pytest.mark.parametrize(("fields", "expected"), SAMPLING.values(), ids=SAMPLING.keys())
def test_sampling(fields: dict, expected: dict) -> None:
    """Every knob of OpenAI's arrives under its canonical name, unchanged."""
    assert asked(**fields).request.sampling == Sampling(**expected)


OUT_OF_RANGE = {
    "temperature above": ({"temperature": 2.1}, "temperature"),
    "temperature below": ({"temperature": -0.1}, "temperature"),
    "top_p above": ({"top_p": 1.5}, "top_p"),
    "frequency_penalty": ({"frequency_penalty": 2.5}, "frequency_penalty"),
    "presence_penalty": ({"presence_penalty": -3}, "presence_penalty"),
    "n none": ({"n": 0}, "n"),
    "n more than eight (trap 12)": ({"n": 9}, "n"),
    "max_tokens none": ({"max_tokens": 0}, "max_tokens"),
    "max_completion_tokens none": ({"max_completion_tokens": 0}, "max_completion_tokens"),
    "max_tokens absurd": ({"max_tokens": 10**30}, "max_tokens"),
    "the two differ (trap 27)": ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens"),
    "five stops (trap 13)": ({"stop": list("abcde")}, "stop"),
    "empty stop": ({"stop": ""}, "stop"),
    "empty stop in a list": ({"stop": ["a", ""]}, "stop[1]"),
    "top_logprobs without logprobs (trap 14)": ({"top_logprobs": 2}, "top_logprobs"),
    "top_logprobs too many": ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
    "logit_bias too strong": ({"logit_bias": {"1": 101}}, "logit_bias"),
    "reasoning_effort unknown": ({"reasoning_effort": "huge"}, "reasoning_effort"),
    "model empty": ({"model": ""}, "model"),
    "model endless": ({"model": "m" * 257}, "model"),
    "no messages": ({"messages": []}, "messages"),
    "stream_options without stream (trap 6)": ({"stream_options": {"include_usage": True}}, "stream_options"),
}


@pytest.mark.parametrize(("fields", "parameter"), OUT_OF_RANGE.values(), ids=OUT_OF_RANGE.keys())
def test_refused_values(fields: dict, parameter: str) -> None:
    """A value out of range is refused with its parameter, never clamped."""
    error = refused(**fields)

    assert (error.status, error.parameter) == (400, parameter)
    assert parameter.partition("[")[0] in str(error)


def test_missing() -> None:
    """Without a model, or without messages, the message says which is missing."""
    with pytest.raises(InvalidRequest, match="model is required") as model:
        parse(b'{"messages":[{"role":"user","content":"x"}]}')
    with pytest.raises(InvalidRequest, match="messages is required") as messages:
        parse(b'{"model":"m"}')

    assert (model.value.parameter, messages.value.parameter) == ("model", "messages")


def test_streaming() -> None:
    """Trap 6: the usage chunk is for those who ask, and only in a stream."""
    assert asked(stream=True).include_usage is False
    assert asked(stream=True, stream_options={}).include_usage is False
    assert asked(stream=True, stream_options={"include_usage": True}).include_usage is True
    assert asked(n=8).choices == 8


class TestTools:
    """What may be called, and how freely."""

    def test_specs(self) -> None:
        """A function without parameters takes an empty object; the rest passes as it came."""
        call = asked(tools=[WEATHER, CLOCK], parallel_tool_calls=False)

        weather, clock = call.request.tools
        assert weather == ToolSpec("weather", None, {"type": "object", "properties": {"city": {}}})
        assert clock.parameters == {"type": "object", "properties": {}}
        assert call.request.parallel_tool_calls is False

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ("auto", ToolChoice("auto")),
            ("none", ToolChoice("none")),
            ("required", ToolChoice("required")),
            ({"type": "function", "function": {"name": "clock"}}, ToolChoice("named", "clock")),
        ],
        ids=["auto", "none", "required", "named"],
    )
    def test_choice(self, choice: object, expected: ToolChoice) -> None:
        """Trap 23: all four choices arrive; with "none" the definitions do, too."""
        call = asked(tools=[WEATHER, CLOCK], tool_choice=choice)

        assert call.request.tool_choice == expected
        assert len(call.request.tools) == 2

    REFUSED = {  # noqa: RUF012 - a table
        "unknown name": ({"tools": [CLOCK], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        "named without tools": ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        "required without tools": ({"tool_choice": "required"}, "tool_choice"),
        "unknown word": ({"tools": [CLOCK], "tool_choice": "any"}, "tool_choice"),
        "allowed_tools": ({"tools": [CLOCK], "tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice.type"),
        "same name twice": ({"tools": [CLOCK, WEATHER, CLOCK]}, "tools[2].function.name"),
        "bad name": ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        "name with a newline at its end": (
            {"tools": [{"type": "function", "function": {"name": "a\n"}}]},
            "tools[0].function.name",
        ),
        "endless name": ({"tools": [{"type": "function", "function": {"name": "a" * 65}}]}, "tools[0].function.name"),
        "custom tool": ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        "parameters no object": (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        "schema too deep": (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": nested(61)}}]},
            "tools[0].function.parameters",
        ),
    }

    @pytest.mark.parametrize(("fields", "parameter"), REFUSED.values(), ids=REFUSED.keys())
    def test_refused(self, fields: dict, parameter: str) -> None:
        """A choice that cannot be, or a tool that nobody could call, is named."""
        assert refused(**fields).parameter == parameter

    def test_depth_at_the_limit(self) -> None:
        """Sixty-four levels are accepted: the body, the list, the tool, the function, and a schema of sixty."""
        call = asked(tools=[{"type": "function", "function": {"name": "a", "parameters": nested(60)}}])

        assert call.request.tools[0].parameters == nested(60)

    def test_no_tools(self) -> None:
        """Without tools, "auto" and "none" say what is so anyway, and parallel calls are nobody's concern."""
        call = asked(tool_choice="auto", parallel_tool_calls=True)

        assert (call.request.tool_choice, call.request.parallel_tool_calls) == (None, None)
        assert call.request.advisory == ("parallel_tool_calls",)


FORMATS = {
    "text is the default": ({"type": "text"}, None),
    "json_object": ({"type": "json_object"}, ResponseFormat("json_object")),
    "json_schema (trap 15)": (
        {"type": "json_schema", "json_schema": {"name": "person", "schema": {"type": "object"}, "strict": True}},
        ResponseFormat("json_schema", "person", {"type": "object"}, strict=True),
    ),
}


@pytest.mark.parametrize(("wanted", "expected"), FORMATS.values(), ids=FORMATS.keys())
def test_response_format(wanted: dict, expected: ResponseFormat | None) -> None:
    """Every format arrives, alone or beside tools (trap 16)."""
    assert asked(response_format=wanted).request.response_format == expected
    assert asked(response_format=wanted, tools=[CLOCK]).request.response_format == expected


@pytest.mark.parametrize(
    ("wanted", "parameter"),
    [
        ({"type": "json_schema", "json_schema": {"name": "p"}}, "response_format.json_schema.schema"),
        ({"type": "json_schema", "json_schema": {"name": "p p", "schema": {}}}, "response_format.json_schema.name"),
        ({"type": "json_schema", "json_schema": {"name": "p", "schema": nested(62)}}, "response_format.json_schema.schema"),
        ({"type": "grammar"}, "response_format.type"),
        ({}, "response_format.type"),
    ],
    ids=["no schema", "bad name", "too deep", "unknown", "empty"],
)
def test_response_format_refused(wanted: dict, parameter: str) -> None:
    """A format that is not one is named."""
    assert refused(response_format=wanted).parameter == parameter


ADVISORY = {
    "user": "u-1",
    "metadata": {"a": "b"},
    "store": True,
    "safety_identifier": "s",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "implicit"},
    "service_tier": "auto",
    "verbosity": "medium",
}


@pytest.mark.parametrize("name", ADVISORY)
def test_advisory(name: str) -> None:
    """Trap 29: what changes no answer is accepted and reported back by its name."""
    assert asked(**{name: ADVISORY[name]}).request.advisory == (name,)


def test_advisory_together() -> None:
    """All of them are reported, in an order that does not change."""
    assert asked(**ADVISORY).request.advisory == tuple(sorted(ADVISORY))


def test_default_modalities() -> None:
    """Asking for text and getting text ignores nothing."""
    assert asked(modalities=["text"]).request.advisory == ()


UNSUPPORTED = {
    "audio": {"voice": "alloy", "format": "wav"},
    "modalities": ["text", "audio"],
    "prediction": {"type": "content", "content": "x"},
    "web_search_options": {},
    "verbosity": "low",
    "moderation": {"model": "m"},
    "service_tier": "flex",
    "functions": [{"name": "f"}],
    "function_call": "auto",
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unsupported(name: str) -> None:
    """What OpenAI knows and nothing here can do is refused by its name, not called unknown."""
    error = refused(**{name: UNSUPPORTED[name]})

    assert error.parameter == name
    assert "not supported" in str(error)


UNKNOWN = {
    "at the top (trap 41)": ({"top_k": 5}, "top_k"),
    "in a message": ({"messages": [{"role": "user", "content": "x", "foo": 1}]}, "messages[0].foo"),
    "in a part": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "foo": 1}]}]},
        "messages[0].content[0].foo",
    ),
    "in a tool": ({"tools": [{"type": "function", "function": {"name": "f", "foo": 1}}]}, "tools[0].function.foo"),
    "in stream_options": ({"stream": True, "stream_options": {"foo": 1}}, "stream_options.foo"),
}


@pytest.mark.parametrize(("fields", "parameter"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown(fields: dict, parameter: str) -> None:
    """A field that OpenAI does not have is refused by its path, at any depth."""
    error = refused(**fields)

    assert error.parameter == parameter
    assert "Unrecognized request argument" in str(error)


def test_same_words_elsewhere() -> None:
    """A property or a text that is called "model" or "stream" is none of the body's own."""
    schema = {"type": "object", "properties": {"model": {}, "stream": {}}}

    call = asked(
        tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}],
        messages=[{"role": "user", "content": '{"model":"a","model":"b"}\u00e9'}],
    )

    assert call.alias == "support-haiku"
    assert call.request.tools[0].parameters == schema
