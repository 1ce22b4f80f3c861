"""docs/families.md is held to its word: its tables are the adapters', and each word in them is tried on the family it is said of."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from adapters import FAMILIES
from adapters.chat import (
    CachePoint,
    ChatRequest,
    Document,
    Image,
    Message,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
    ToolChoice,
    ToolSpec,
)
from adapters.errors import InvalidParameter, RequestRefused
from adapters.family import AtMost, Family, OneOf, Range
from adapters.parameters import MEANS_NOTHING, fit
from adapters.structured import NAME as HIDDEN
from tests.docs import matrix
from tests.docs.pages import check_table

PAGE = Path("docs/families.md")
TABLES = {
    "contents": matrix.contents,
    "calls": matrix.calls,
    "generation": matrix.generation,
    "numbers": matrix.numbers,
}


@pytest.mark.parametrize("name", TABLES)
def test_the_table_is_current(name: str) -> None:
    """Made of ``adapters.FAMILIES``; QUARRY_REWRITE=1 writes it anew."""
    check_table(PAGE, name, TABLES[name]())


SCHEMA = {"type": "object", "properties": {"room": {"type": "integer"}}, "required": ["room"], "additionalProperties": False}
TOOL = ToolSpec("find_room", "Finds a free room.", SCHEMA)
ASKED = Message("user", (Text("Is room 614 free?"),))
PLAIN = ChatRequest((ASKED,))
WITH_TOOLS = replace(PLAIN, tools=(TOOL,))
SHAPE = ResponseFormat("json_schema", "room", SCHEMA)


def beside(*parts: Any) -> ChatRequest:
    """The question with something else in its message."""
    return replace(PLAIN, messages=(replace(ASKED, parts=(*parts, *ASKED.parts)),))


def thinking(request: ChatRequest, family: Family) -> ChatRequest:
    """The request to a model that is told to think, where it can."""
    effort = "low" if "reasoning_effort" in family.accepts else None
    return replace(request, sampling=replace(request.sampling, reasoning_effort=effort))


THOUGHT = (ASKED, Message("assistant", (Reasoning("It is.", "c2VhbA=="), Text("Yes."))), ASKED)
UNTHOUGHT = (ASKED, Message("assistant", (Text("Yes."),)), ASKED)

# A request without the feature, and the same request with it.
USES: dict[str, tuple[ChatRequest, ChatRequest]] = {
    "images": (PLAIN, beside(Image("image/png", "iVBORw0KGgo="))),
    "documents": (PLAIN, beside(Document("text/plain", "Room 614 is free.", "rooms"))),
    "reasoning": (replace(PLAIN, messages=UNTHOUGHT), replace(PLAIN, messages=THOUGHT)),
    "cache": (PLAIN, replace(PLAIN, messages=(replace(ASKED, parts=(*ASKED.parts, CachePoint())),))),
    "prompt": (PLAIN, replace(PLAIN, prompt="A prompt of my own")),
    "tools": (PLAIN, WITH_TOOLS),
    "tools.strict": (WITH_TOOLS, replace(WITH_TOOLS, tools=(replace(TOOL, strict=True),))),
    "tool_choice": (WITH_TOOLS, replace(WITH_TOOLS, tool_choice=ToolChoice("required"))),
    "parallel_tool_calls": (WITH_TOOLS, replace(WITH_TOOLS, parallel_tool_calls=False)),
    "response_format": (PLAIN, replace(PLAIN, response_format=SHAPE)),
    "response_format.strict": (
        replace(PLAIN, response_format=SHAPE),
        replace(PLAIN, response_format=replace(SHAPE, strict=True)),
    ),
    **{
        name: (PLAIN, replace(PLAIN, sampling=Sampling(**{name: value})))
        for name, value in {
            "stop": ("END",),
            "seed": 4321,
            "logprobs": True,
            "logit_bias": {"42": 5.0},
            "frequency_penalty": 0.25,
            "presence_penalty": 0.25,
            "reasoning_effort": "low",
            "reasoning_tokens": 2048,
            "temperature": 0.25,
            "top_p": 0.25,
            "top_k": 25,
            "max_tokens": 77,
        }.items()
    },
    "top_logprobs": (
        replace(PLAIN, sampling=Sampling(logprobs=True)),
        replace(PLAIN, sampling=Sampling(logprobs=True, top_logprobs=2)),
    ),
}


def pair(family: Family, feature: str) -> tuple[ChatRequest, ChatRequest]:
    """The two requests, as far as a family narrows what may be said."""
    without, using = USES[feature]
    rule = family.accepts.get(feature)
    if feature == "tool_choice" and isinstance(rule, OneOf):
        return without, replace(using, tool_choice=ToolChoice("none"))
    return (thinking(without, family), thinking(using, family)) if feature == "reasoning" else (without, using)


def encoded(request: ChatRequest, family: Family) -> Any:
    return json.loads(family.encode(request, False))


def places(body: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a body."""
    yield place
    for step, value in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        yield from places(value, (*place, step))


def fields(body: Any) -> set[tuple[Any, ...]]:
    return set(places(body))


EVERY = [
    pytest.param(family, feature, id=f"{name}-{feature}") for name, family in FAMILIES.items() for feature in matrix.FEATURES
]


@pytest.mark.parametrize(("family", "feature"), EVERY)
def test_every_word_is_true(family: Family, feature: str) -> None:
    """Native: the body says it. Emulated: taken, and the body has no field for it. Ignored: named. Refused: named, by an error."""
    without, using = pair(family, feature)
    if matrix.word(family, feature) == "refused":
        with pytest.raises(RequestRefused) as refused:
            fit(using, family)
        assert names(refused.value.parameter, feature)
        return
    plain = encoded(fit(without, family)[0], family)
    fitted, dropped = fit(using, family)
    body = encoded(fitted, family)

    match matrix.word(family, feature):
        case "native":
            assert dropped == ()
            assert HIDDEN not in json.dumps(body)
            assert body != plain
            assert feature == "prompt" or beside_the_prompt(body) != beside_the_prompt(plain)
        case "emulated":
            assert dropped == ()
            assert fields(body) == fields(plain) or HIDDEN in json.dumps(body)
        case "ignored":
            assert any(names(name, feature) for name in dropped)
            assert body == plain


def beside_the_prompt(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a body whose words are not read by the model."""
    return {name: value for name, value in body.items() if name not in {"prompt", "inputText"}}


def names(parameter: str | None, feature: str) -> bool:
    """Whether a refusal names the feature: by its own name, by that of what it belongs to, or by its place."""
    place = {
        "images": "messages[0].content[0]",
        "documents": "messages[0].content[0]",
        "cache": "cache_control",
        "reasoning": "reasoning_content",
    }
    owner = {"tool_choice": "tools", "parallel_tool_calls": "tools", "top_logprobs": "logprobs"}
    return parameter in {feature, feature.partition(".")[0], place.get(feature), owner.get(feature)}


RANGES = [
    pytest.param(family, name, rule, id=f"{family.name}-{name}")
    for family in FAMILIES.values()
    for name, rule in family.accepts.items()
    if isinstance(rule, Range)
]


@pytest.mark.parametrize(("family", "name", "rule"), RANGES)
def test_every_range_is_true(family: Family, name: str, rule: Range) -> None:
    """Both ends are taken, but for a lower one that is outside; what lies beyond is refused by name."""
    first = 0.01 if rule.above else rule.low
    # OpenAI's default means "not said", even outside a range.
    beyond = {rule.high + 0.5, rule.low if rule.above else rule.low - 0.5} - {MEANS_NOTHING.get(name)}

    for value in (first, rule.high):
        assert getattr(fit(saying(name, value), family)[0].sampling, name) == value
    for value in beyond:
        with pytest.raises(InvalidParameter) as refused:
            fit(saying(name, value), family)
        assert refused.value.parameter == name


def saying(name: str, value: float) -> ChatRequest:
    """The question with one number said; the likeliest others want the likelihoods."""
    return replace(PLAIN, sampling=replace(Sampling(logprobs=name == "top_logprobs" or None), **{name: value}))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_number_of_entries_is_true(family: Family) -> None:
    """So many stop texts and images, and not one more."""
    for name, rule in family.accepts.items():
        if not isinstance(rule, AtMost):
            continue
        for many, is_taken in ((rule.entries, True), (rule.entries + 1, False)):
            if name == "stop":
                request = replace(PLAIN, sampling=Sampling(stop=tuple(f"END{number}" for number in range(many))))
            else:
                request = beside(*[Image("image/png", "iVBORw0KGgo=")] * many)
            if is_taken:
                assert fit(request, family)[1] == ()
            else:
                with pytest.raises(RequestRefused):
                    fit(request, family)
