"""What is honoured, refused, dropped and named: design 5.3, family by family."""

import math

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Image, Message, ResponseFormat, Sampling, Text, ToolChoice, ToolSpec
from adapters.errors import InvalidParameter, UnsupportedContent, UnsupportedParameter
from adapters.parameters import check, fit

HI = (Message("user", (Text("hi"),)),)
TOOL = ToolSpec("f", None, {"type": "object"})
PICTURE = Image("image/png", "iVBORw0KGgo=")
PROMPTED = ["titan", "cohere", "llama2", "mistral"]


def asked(**sampling) -> ChatRequest:
    return ChatRequest(HI, Sampling(**sampling))


@pytest.mark.parametrize("name", FAMILIES)
def test_max_tokens_is_always_sent(name):
    """Nobody said how long: the family's own number goes out, since Bedrock's would truncate in silence."""
    family = FAMILIES[name]
    request, dropped = fit(ChatRequest(HI), family)

    assert request.sampling.max_tokens == family.max_tokens
    assert not dropped
    check("max_tokens", family.max_tokens, family)


def test_the_alias_speaks_where_the_caller_is_silent():
    """Defaults fill what is missing and never overrule the caller."""
    defaults = {"max_tokens": 77, "temperature": 0.2, "stop": "END"}

    request, dropped = fit(asked(temperature=0.0), FAMILIES["claude"], defaults=defaults)

    assert Sampling(max_tokens=77, temperature=0.0, stop=("END",)) == request.sampling
    assert not dropped


def test_a_default_without_a_knob_is_named_not_blamed_on_the_caller():
    """The operator's default that a family cannot honour is dropped and named: the caller did nothing wrong."""
    request, dropped = fit(ChatRequest(HI), FAMILIES["llama3"], defaults={"frequency_penalty": 0.5})

    assert request.sampling.frequency_penalty is None
    assert dropped == ("frequency_penalty",)


@pytest.mark.parametrize(
    ("name", "sampling", "message"),
    [
        ("claude", {"temperature": 1.4}, 'temperature 1.4 is outside 0 to 1 for family "claude"'),
        ("titan", {"temperature": 1.01}, 'temperature 1.01 is outside 0 to 1 for family "titan"'),
        ("titan", {"top_p": 0.0}, 'top_p 0.0 is outside above 0 to 1 for family "titan"'),
        ("cohere", {"temperature": 5.5}, 'temperature 5.5 is outside 0 to 5 for family "cohere"'),
        ("llama3", {"max_tokens": 2049}, 'max_tokens 2049 is outside 1 to 2048 for family "llama3"'),
        ("llama2", {"max_tokens": 0}, 'max_tokens 0 is outside 1 to 2048 for family "llama2"'),
        ("openai_chat", {"temperature": 2.5}, 'temperature 2.5 is outside 0 to 2 for family "openai_chat"'),
        ("openai_chat", {"presence_penalty": -3.0}, 'presence_penalty -3.0 is outside -2 to 2 for family "openai_chat"'),
        ("openai_chat", {"temperature": math.nan}, 'temperature nan is outside 0 to 2 for family "openai_chat"'),
        ("cohere", {"stop": ("a", "b", "c", "d", "e")}, 'stop has 5 entries: family "cohere" takes at most 4'),
        ("llama3", {"stop": ("a", "")}, "stop holds an empty string, which would end every answer at once"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(name, sampling, message):
    """The message names the value, the range and the family."""
    with pytest.raises(InvalidParameter) as refused:
        fit(asked(**sampling), FAMILIES[name])

    assert message == str(refused.value)
    assert refused.value.parameter == next(iter(sampling))


@pytest.mark.parametrize(("name", "value"), [("claude", 0.0), ("claude", 1), ("titan", 0), ("cohere", 5), ("openai_chat", 2)])
def test_the_ends_of_a_range_are_in_it(name, value):
    """Zero is a temperature, and so is the highest one."""
    request, _ = fit(asked(temperature=value), FAMILIES[name])

    assert value == request.sampling.temperature


@pytest.mark.parametrize("name", ["titan", "mistral", "llama2", "llama3", "claude"])
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("frequency_penalty", 0.5),
        ("presence_penalty", -0.5),
        ("logprobs", True),
        ("top_logprobs", 2),
        ("logit_bias", {"50256": -100}),
    ],
)
def test_what_would_change_the_answer_is_refused_unless_the_alias_lets_it_go(name, parameter, value):
    """No knob: a refusal that names the parameter, or, where the alias says so, a drop that names it."""
    request = asked(**{parameter: value})
    with pytest.raises(UnsupportedParameter, match=f'{parameter} is not supported by family "{name}"') as refused:
        fit(request, FAMILIES[name])
    fitted, dropped = fit(request, FAMILIES[name], ignorable=frozenset({parameter}))

    assert refused.value.parameter == parameter
    assert dropped == (parameter,)
    assert getattr(fitted.sampling, parameter) is None


@pytest.mark.parametrize("name", ["titan", "mistral", "llama2"])
def test_openai_defaults_and_advice_are_dropped_and_named(name):
    """Values that OpenAI would have assumed anyway, and advice, refuse nothing and are reported."""
    request = ChatRequest(
        HI,
        Sampling(seed=1, frequency_penalty=0.0, presence_penalty=0, logit_bias={}, logprobs=False, top_logprobs=0, top_p=1.0),
        tool_choice=ToolChoice("auto"),
        parallel_tool_calls=True,
        response_format=ResponseFormat("text"),
        advisory=("user", "store"),
    )
    fitted, dropped = fit(request, FAMILIES[name])

    assert dropped == (
        "user", "store", "seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs",
        "tool_choice", "parallel_tool_calls", "response_format",
    )  # fmt: skip
    assert Sampling(max_tokens=FAMILIES[name].max_tokens, top_p=1.0) == fitted.sampling
    assert fitted.tool_choice is fitted.parallel_tool_calls is fitted.response_format is None


def test_what_is_dropped_is_named_once():
    """A name that comes up twice stands once in the list."""
    assert fit(ChatRequest(HI, advisory=("user", "store", "user")), FAMILIES["titan"])[1] == ("user", "store")


def test_an_import_honours_what_others_drop():
    """An OpenAI-shaped import has the knobs: nothing is dropped but the caller's advice."""
    request = ChatRequest(
        HI,
        Sampling(seed=1, frequency_penalty=0.0, logprobs=True, top_logprobs=2),
        tools=(TOOL,),
        parallel_tool_calls=False,
        response_format=ResponseFormat("json_object"),
        advisory=("user",),
    )
    fitted, dropped = fit(request, FAMILIES["openai_chat"])

    assert dropped == ("user",)
    assert (fitted.sampling.seed, fitted.sampling.frequency_penalty, fitted.sampling.logprobs) == (1, 0.0, True)
    assert fitted.response_format == ResponseFormat("json_object")


@pytest.mark.parametrize("name", PROMPTED)
def test_tools_need_a_family_that_has_them(name):
    """Tools are refused by name; let go by the alias, they go with everything that hangs on them."""
    request = ChatRequest(HI, tools=(TOOL,), tool_choice=ToolChoice("required"), parallel_tool_calls=False)
    with pytest.raises(UnsupportedParameter, match="tools is not supported"):
        fit(request, FAMILIES[name])
    fitted, dropped = fit(request, FAMILIES[name], ignorable=frozenset({"tools"}))

    assert dropped == ("tools", "tool_choice", "parallel_tool_calls")
    assert (fitted.tools, fitted.tool_choice, fitted.parallel_tool_calls) == ((), None, None)


@pytest.mark.parametrize(
    ("family", "request_", "error"),
    [
        ("claude", ChatRequest(HI, tool_choice=ToolChoice("required")), InvalidParameter),
        ("llama2", ChatRequest(HI, tool_choice=ToolChoice("required")), UnsupportedParameter),
        ("claude", ChatRequest(HI, tools=(TOOL,), tool_choice=ToolChoice("named", "g")), InvalidParameter),
        ("cohere_chat", ChatRequest(HI, tools=(TOOL,), tool_choice=ToolChoice("required")), InvalidParameter),
        ("cohere_chat", ChatRequest(HI, tools=(TOOL,), tool_choice=ToolChoice("named", "f")), InvalidParameter),
    ],
    ids=["a demand without tools", "a demand where there are none", "a name that is not among them", "no demand", "no name"],
)
def test_a_choice_that_cannot_be_made_is_refused(family, request_, error):
    """``tool_choice`` must be answerable from the tools that came with it."""
    with pytest.raises(error) as refused:
        fit(request_, FAMILIES[family])

    assert refused.value.parameter == "tool_choice"


def test_a_choice_that_the_family_does_not_know_can_be_let_go():
    """Where the alias says so it is dropped and named; the tools stay."""
    request = ChatRequest(HI, tools=(TOOL,), tool_choice=ToolChoice("required"))
    fitted, dropped = fit(request, FAMILIES["cohere_chat"], ignorable=frozenset({"tool_choice"}))

    assert (fitted.tools, fitted.tool_choice, dropped) == ((TOOL,), None, ("tool_choice",))


def test_strict_tools_are_reported_where_they_are_not_enforced():
    """SDKs say ``strict`` by themselves: a family without it still calls, and the caller is told."""
    strict = ChatRequest(HI, tools=(ToolSpec("f", None, {"type": "object"}, strict=True),))

    assert fit(strict, FAMILIES["claude"])[1] == ("tools.strict",)
    assert fit(strict, FAMILIES["openai_chat"])[1] == ()


def test_a_strict_format_that_is_only_asked_for_is_named():
    """The SDK says ``strict`` by itself: where a schema is asked for and not enforced, the caller gets it, and is told."""
    strict = ChatRequest(HI, response_format=ResponseFormat("json_schema", "answer", {"type": "object"}, strict=True))
    native = FAMILIES["openai_chat"]
    asked = native._replace(accepts={name: rule for name, rule in native.accepts.items() if name != "response_format.strict"})

    assert fit(strict, asked)[1] == ("response_format.strict",)
    assert fit(strict, native)[1] == ()


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_a_demanded_shape_is_refused_where_nobody_enforces_it(kind):
    """A family that only completes a prompt enforces no shape: refused, or named when the alias lets it go."""
    request = ChatRequest(HI, response_format=ResponseFormat(kind, "answer", {"type": "object"}))
    with pytest.raises(UnsupportedParameter, match="response_format"):
        fit(request, FAMILIES["titan"])
    fitted, dropped = fit(request, FAMILIES["titan"], ignorable=frozenset({"response_format"}))

    assert dropped == ("response_format",)
    assert fitted.response_format is None


@pytest.mark.parametrize("name", PROMPTED)
def test_an_image_is_refused_by_place(name):
    """A family that reads no images says which part it cannot read."""
    request = ChatRequest((*HI, Message("user", (Text("what is"), PICTURE, PICTURE))))
    with pytest.raises(UnsupportedContent) as refused:
        fit(request, FAMILIES[name])
    fitted, dropped = fit(request, FAMILIES[name], ignorable=frozenset({"images"}))

    assert refused.value.parameter == "messages[1].content[1]"
    assert dropped == ("images",)
    assert fitted.messages == (*HI, Message("user", (Text("what is"),)))


@pytest.mark.parametrize(("name", "most"), [("openai_chat", 3), ("claude", 20), ("llama3", 1)])
def test_one_image_too_many_is_named(name, most):
    """As many images as the family reads pass; the next one is refused by its place."""
    fits = ChatRequest((Message("user", (PICTURE,) * most),))
    with pytest.raises(UnsupportedContent, match=f"at most {most}") as refused:
        fit(ChatRequest((Message("user", (PICTURE,) * (most + 1)),)), FAMILIES[name])

    assert refused.value.parameter == f"messages[0].content[{most}]"
    assert fit(fits, FAMILIES[name])[0].messages == fits.messages


def test_a_value_that_is_ignorable_is_still_sent_where_it_can_be():
    """``ignore_parameters`` allows a drop; it does not order one."""
    request, dropped = fit(asked(temperature=0.3), FAMILIES["claude"], ignorable=frozenset({"temperature"}))

    assert request.sampling.temperature == 0.3
    assert not dropped


def test_fitting_twice_changes_nothing():
    """What has been fitted fits, so a fallback to a like target may fit it again."""
    once, _ = fit(asked(seed=1, temperature=0.3, stop=("a",)), FAMILIES["titan"])

    assert fit(once, FAMILIES["titan"]) == (once, ())


CLAUDE, NEWER = FAMILIES["claude"], FAMILIES["claude_4_5"]


@pytest.mark.parametrize(
    ("family", "said", "parameter", "words"),
    [
        (CLAUDE, {"temperature": 0.2, "reasoning_effort": "low"}, "temperature", "temperature 0.2 .* reasoning_effort .* is 1"),
        (CLAUDE, {"temperature": 0.2, "reasoning_tokens": 2000}, "temperature", "beside it, temperature is 1"),
        (CLAUDE, {"top_p": 0.5, "reasoning_effort": "low"}, "top_p", "beside it, top_p is 0.95 to 1"),
        (CLAUDE, {"top_k": 5, "reasoning_effort": "low"}, "top_k", "top_k and reasoning_effort do not go together"),
        (CLAUDE, {"reasoning_tokens": 2000, "reasoning_effort": "low"}, "reasoning_tokens", "send one of them"),
        (NEWER, {"temperature": 0.2, "top_p": 0.9}, "top_p", "top_p and temperature do not go together"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(family, said, parameter, words):
    """Trap 28: each is fine alone; together the caller is told, and nothing is dropped."""
    with pytest.raises(InvalidParameter, match=words) as refused:
        fit(asked(**said), family)

    assert refused.value.parameter == parameter


@pytest.mark.parametrize(
    ("family", "said", "kept", "named"),
    [
        (CLAUDE, {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}, ()),
        (CLAUDE, {"temperature": 0.2, "reasoning_effort": "none"}, {"temperature": 0.2, "reasoning_effort": "none"}, ()),
        (CLAUDE, {"temperature": 1, "reasoning_effort": "low"}, {"temperature": 1, "reasoning_effort": "low"}, ()),
        (NEWER, {"temperature": 0.2, "top_p": 1}, {"temperature": 0.2}, ("top_p",)),
        (NEWER, {"temperature": 1, "top_p": 0.9}, {"top_p": 0.9}, ("temperature",)),
    ],
)
def test_what_means_nothing_stands_in_nobodys_way(family, said, kept, named):
    """OpenAI's default beside a value that was meant is dropped and named, where the two do not go together."""
    fitted, dropped = fit(asked(**said), family)

    assert fitted.sampling == Sampling(max_tokens=4096, **kept)
    assert dropped == named


def test_an_alias_may_let_go_what_does_not_go_together():
    """``ignore_parameters`` decides which of the two leaves."""
    fitted, dropped = fit(asked(temperature=0.2, top_p=0.9), NEWER, ignorable=frozenset({"temperature"}))

    assert fitted.sampling == Sampling(max_tokens=4096, top_p=0.9)
    assert dropped == ("temperature",)


@pytest.mark.parametrize(
    ("said", "defaults", "kept"),
    [
        ({"reasoning_effort": "low"}, {"temperature": 0.2}, {"reasoning_effort": "low"}),
        ({"temperature": 0.2}, {"reasoning_effort": "low"}, {"temperature": 0.2}),
        ({"top_p": 0.9}, {"temperature": 0.2}, {"top_p": 0.9}),
        ({"temperature": 0.2}, {"top_p": 0.9}, {"temperature": 0.2}),
    ],
)
def test_a_default_gives_way_to_what_the_caller_said(said, defaults, kept):
    """An operator's default that does not go together with the caller's word is left out and named."""
    fitted, dropped = fit(asked(**said), NEWER, defaults=defaults)

    assert fitted.sampling == Sampling(max_tokens=4096, **kept)
    assert dropped == tuple(defaults)


def test_a_word_that_is_none_is_refused_with_those_that_are():
    """An effort that nobody knows is no effort."""
    with pytest.raises(InvalidParameter, match="reasoning_effort is one of none, minimal, low") as refused:
        fit(asked(reasoning_effort="lots"), CLAUDE)

    assert refused.value.parameter == "reasoning_effort"
