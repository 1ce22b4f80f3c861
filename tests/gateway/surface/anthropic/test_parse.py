"""Anthropic's body into a canonical request."""

import json
from typing import Any

import pytest

from adapters import chat
from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.anthropic.parse import notes_of, parse_count, parse_message

ARRIVAL = Arrival("r", Key("k", "n", "o", ""), 0.0)
HI: dict[str, Any] = {"role": "user", "content": "hi"}
ASK: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [HI]}
TOOL: dict[str, Any] = {"name": "f", "input_schema": {"type": "object"}}
SPEC = chat.ToolSpec("f", None, {"type": "object"})
CALL: dict[str, Any] = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": [1.5]}}
EPHEMERAL: dict[str, Any] = {"type": "ephemeral"}
FORMAT: dict[str, Any] = {"type": "json_schema", "schema": {"type": "object"}}


def parsed(**fields: Any) -> chat.ChatRequest:
    return parse_message(json.dumps(ASK | fields).encode(), ARRIVAL).request


def test_the_least() -> None:
    """Model, room and one turn are a request."""
    call = parse_message(json.dumps(ASK).encode(), ARRIVAL)

    assert (call.alias, call.stream, call.choices, call.request.sampling) == ("m", False, 1, chat.Sampling(max_tokens=9))
    assert call.request.messages == (chat.Message("user", (chat.Text("hi"),)),)
    assert not notes_of(call).omits_thoughts


def test_everything_about_sampling() -> None:
    """Each knob under its canonical name."""
    request = parsed(
        temperature=0.5, top_p=0.4, top_k=3, stop_sequences=["a", "b"], thinking={"type": "enabled", "budget_tokens": 7}
    )

    assert request.sampling == chat.Sampling(
        max_tokens=9, temperature=0.5, top_p=0.4, top_k=3, stop=("a", "b"), reasoning_tokens=7
    )


def test_turns_in_pieces() -> None:
    """Results of tools become messages of their own, in order, with what the user says between them."""
    thoughts = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "redacted_thinking", "data": "x"}]
    unsealed = {"type": "thinking", "thinking": "hm", "signature": ""}
    calls = [CALL | {"cache_control": EPHEMERAL}, CALL | {"id": "c2", "input": {}, "caller": {"type": "direct"}}]
    results = [
        {"type": "tool_result", "tool_use_id": "c2", "content": "two", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "and", "cache_control": EPHEMERAL},
        {"type": "tool_result", "tool_use_id": "c1", "is_error": True},
    ]
    request = parsed(
        system=[{"type": "text", "text": "Be brief.", "cache_control": EPHEMERAL}],
        messages=[
            HI,
            {"role": "assistant", "content": [*thoughts, unsealed, {"type": "text", "text": "so"}, *calls]},
            {"role": "user", "content": results},
            {"role": "system", "content": "Now in French."},
            {"role": "assistant", "content": "Bon"},
        ],
        tools=[TOOL],
    )

    assert request.messages == (
        chat.Message("system", (chat.Text("Be brief."), chat.CachePoint())),
        chat.Message("user", (chat.Text("hi"),)),
        chat.Message(
            "assistant",
            (
                chat.Reasoning("hm", "s"),
                chat.Reasoning(redacted="x"),
                chat.Reasoning("hm"),
                chat.Text("so"),
                chat.CachePoint(),
            ),
            (chat.ToolCall("c1", "f", '{"a":[1.5]}'), chat.ToolCall("c2", "f", "{}")),
        ),
        chat.Message("tool", (chat.Text("two"), chat.CachePoint("1h")), tool_call_id="c2"),
        chat.Message("user", (chat.Text("and"), chat.CachePoint())),
        chat.Message("tool", tool_call_id="c1", is_error=True),
        chat.Message("system", (chat.Text("Now in French."),)),
        chat.Message("assistant", (chat.Text("Bon"),)),
    )


CHOICES: dict[str, tuple[dict[str, Any], chat.ToolChoice | None, bool | None]] = {
    "auto": ({"type": "auto"}, chat.ToolChoice("auto"), None),
    "one at a time": ({"type": "auto", "disable_parallel_tool_use": True}, chat.ToolChoice("auto"), False),
    "several": ({"type": "any", "disable_parallel_tool_use": False}, chat.ToolChoice("required"), True),
    "one": ({"type": "tool", "name": "f"}, chat.ToolChoice("named", "f"), None),
    "none": ({"type": "none"}, chat.ToolChoice("none"), None),
}


@pytest.mark.parametrize(("choice", "expected", "parallel"), CHOICES.values(), ids=CHOICES.keys())
def test_choices(choice: dict[str, Any], expected: chat.ToolChoice | None, parallel: bool | None) -> None:
    """Anthropic's words for how free the model is, in ours."""
    request = parsed(tools=[TOOL | {"strict": True, "type": "custom"}], tool_choice=choice)

    assert (request.tool_choice, request.parallel_tool_calls) == (expected, parallel)
    assert request.tools == (chat.ToolSpec("f", None, {"type": "object"}, strict=True),)


def test_a_choice_among_nothing() -> None:
    """Without tools a free choice says nothing."""
    for kind in ("auto", "none"):
        assert parsed(tool_choice={"type": kind}).tool_choice is None


@pytest.mark.parametrize("fields", [{"output_config": {"format": FORMAT}}, {"output_format": FORMAT}], ids=["config", "older"])
def test_a_format(fields: dict[str, Any]) -> None:
    """A schema is one that the caller counts on: Anthropic enforces it."""
    assert parsed(**fields).response_format == chat.ResponseFormat("json_schema", schema={"type": "object"}, strict=True)


def test_caching_as_a_whole() -> None:
    """The marker of the whole request stands at its end; a tool's own stays with it."""
    request = parsed(cache_control=EPHEMERAL, tools=[TOOL | {"cache_control": {"type": "ephemeral", "ttl": "5m"}}])

    assert request.messages[-1].parts == (chat.Text("hi"), chat.CachePoint())
    assert request.tools[0].cache_point == chat.CachePoint("5m")


ADVISORY: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "metadata": ({"metadata": {"user_id": "u"}}, ("metadata.user_id",)),
    "empty metadata": ({"metadata": {}}, ()),
    "tier": ({"service_tier": "standard_only", "diagnostics": {"previous_message_id": "m"}}, ("diagnostics", "service_tier")),
    "speed": ({"speed": "standard"}, ()),
    "citations": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "citations": [{}]}]}]},
        ("citations",),
    ),
    "tool": ({"tools": [TOOL | {"eager_input_streaming": True, "defer_loading": False}]}, ("tools.eager_input_streaming",)),
}


@pytest.mark.parametrize(("fields", "names"), ADVISORY.values(), ids=ADVISORY.keys())
def test_advisory(fields: dict[str, Any], names: tuple[str, ...]) -> None:
    """What changes no answer is taken and named."""
    assert parsed(**fields).advisory == names


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [*blocks]}]}


def deep(levels: int) -> Any:
    return {"a": deep(levels - 1)} if levels else {}


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no messages": ({"messages": []}, "messages", "must not be empty"),
    "no blocks": ({"messages": [{"role": "user", "content": []}]}, "messages[0].content", "must not be empty"),
    "tool twice": ({"tools": [TOOL, TOOL]}, "tools[1].name", '"f" is given twice'),
    "unknown tool": ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}}, "tool_choice", "not among the tools"),
    "nothing to call": ({"tool_choice": {"type": "any"}}, "tool_choice", "needs tools"),
    "deferred": ({"tools": [TOOL | {"defer_loading": True}]}, "tools[0].defer_loading", "send only the tools"),
    "server tool": ({"tools": [TOOL, {"type": "bash_20250124", "name": "bash"}]}, "tools[1].type", '"bash_20250124"'),
    "fast": ({"speed": "fast"}, "speed", "not supported"),
    "two formats": ({"output_config": {"format": FORMAT}, "output_format": FORMAT | {"schema": {}}}, "output_format", "differ"),
    "deep schema": ({"tools": [TOOL | {"input_schema": deep(70)}]}, "tools[0].input_schema", "nested deeper than 64"),
    "deep input": (
        {"messages": [HI, {"role": "assistant", "content": [CALL | {"input": deep(70)}]}]},
        "messages[1].content[0].input",
        "nested deeper than 64",
    ),
    "unanswered": (
        {"messages": [HI, {"role": "assistant", "content": [CALL]}, HI]},
        "messages[2]",
        "1 tool call(s) of the turn before have no tool_result in the turn after it",
    ),
    "answered twice": (
        {"messages": [HI, {"role": "assistant", "content": [CALL, CALL]}]},
        "messages[1].content",
        "two calls have the same id",
    ),
    "file": (
        user({"type": "document", "source": {"type": "file", "file_id": "f"}}),
        "messages[0].content[0].source",
        'of type "file" is not supported: Quarry stores no files',
    ),
    "no base64": (
        user({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "é"}}),
        "messages[0].content[0].source.data",
        "not valid base64",
    ),
    "no PDF": (
        user({"type": "document", "source": {"type": "base64", "media_type": "text/html", "data": "YQ=="}}),
        "messages[0].content[0].source.media_type",
        "must be application/pdf",
    ),
    "no image": (
        user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "YQ=="}}),
        "messages[0].content[0].source.data",
        "neither JPEG",
    ),
    "context": (
        user({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "context": "y"}),
        "messages[0].content[0].context",
        "in a text block beside",
    ),
    "citing": (
        user(
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                "citations": {"enabled": True},
            }
        ),
        "messages[0].content[0].citations",
        "no family here cites",
    ),
    "call by a user": (user(CALL), "messages[0].content[0].type", "has no place in this turn"),
    "toolset": (
        {"messages": [HI, {"role": "assistant", "content": [CALL | {"toolset_name": "browser"}]}]},
        "messages[1].content[0].toolset_name",
        "Anthropic's own",
    ),
}


@pytest.mark.parametrize(("fields", "parameter", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(fields: dict[str, Any], parameter: str, says: str) -> None:
    """The field at fault is named as Anthropic spells it, and what to change is said."""
    with pytest.raises(InvalidRequest) as caught:
        parsed(**fields)

    assert caught.value.parameter == parameter
    assert says in str(caught.value)


def test_a_count_needs_no_room() -> None:
    """A count is a message without what only an answer needs, and what only an answer needs is not one of its fields."""
    ask = {name: ASK[name] for name in ("model", "messages")}
    request = parse_count(
        json.dumps(ask | {"tools": [TOOL], "thinking": {"type": "enabled", "budget_tokens": 7}}).encode(), ARRIVAL
    )

    assert request.request.sampling == chat.Sampling(reasoning_tokens=7)
    assert request.request.tools == (SPEC,)
    with pytest.raises(InvalidRequest, match="Unrecognized request argument"):
        parse_count(json.dumps(ASK).encode(), ARRIVAL)
