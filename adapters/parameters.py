"""What a family can honour of a request: names, ranges, refusals. Nothing is dropped or clamped in silence.

A parameter that would change the answer and that the family has no knob for is refused. One that cannot change it, because
it is advice or because its value is what OpenAI would have assumed anyway, is dropped and named. Knows no native field.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec.structs import replace

from adapters import contents
from adapters.chat import ChatRequest, ResponseFormat, Sampling, ToolChoice
from adapters.errors import InvalidParameter, UnsupportedParameter
from adapters.family import AtMost, Family, OneOf, Range

_ABSENT: Any = object()
_UNSAID: tuple[Any, ...] = (None, ())

# Said or not said, these mean the same: the values that OpenAI documents as its defaults.
MEANS_NOTHING: Mapping[str, Any] = {
    "temperature": 1,
    "top_p": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "top_logprobs": 0,
    "reasoning_effort": "none",  # no thinking, of a model that does not think
}

# Said of a parameter that others cannot stand beside, it says that the parameter is not wanted, and nothing is in the way.
_NOT_WANTED = "none"

# The answer is one of many possible ones with or without it.
ADVISORY = frozenset({"seed"})

NAMES = Sampling.__struct_fields__
_values = attrgetter(*NAMES)  # all of them in one C call: nearly every request says one or two


class _Fitting(NamedTuple):
    """One request on the bench: what is asked of it, what has been changed, what has been dropped."""

    family: Family
    ignorable: frozenset[str]
    changes: dict[str, Any]
    dropped: list[str]

    def drop(self, name: str, *, empty: Any = None) -> None:
        """Take a field off the request, and name it."""
        self.changes[name] = empty
        self.dropped.append(name)

    def forgive(self, name: str, *, harmless: bool, empty: Any = None) -> None:
        """Drop a field that the family has no knob for, where that changes nothing or the alias allows it; else refuse."""
        if not harmless and name not in self.ignorable:
            raise UnsupportedParameter(_unsupported(name, self.family), parameter=name)
        self.drop(name, empty=empty)


def fit(
    request: ChatRequest,
    family: Family,
    *,
    defaults: Mapping[str, Any] = {},
    ignorable: frozenset[str] = frozenset(),
) -> tuple[ChatRequest, tuple[str, ...]]:
    """Make a request one that the family can encode.

    Args:
        defaults: The alias's values, by OpenAI's names, where the caller did not say. Being the operator's word and not
            the caller's, one that the family has no knob for is dropped and named.
        ignorable: Parameters that the alias drops, named, instead of refusing.

    Returns:
        The request with every parameter honoured and ``max_tokens`` set, and the names of what was dropped, each once.

    Raises:
        UnsupportedParameter: The family has no such knob.
        InvalidParameter: It has, but not this value.
        UnsupportedContent: An image or a document for a family that reads none, or more of them than it reads.
    """
    fitting = _Fitting(family, ignorable, {}, list(request.advisory))
    fitting.changes["sampling"] = _sampling(request.sampling, fitting, defaults)
    if request.tools or request.tool_choice is not None or request.parallel_tool_calls is not None:
        _fit_tools(request, fitting)
    if request.response_format is not None:
        _fit_response_format(request.response_format, fitting)
    if request.prompt is not None and "prompt" not in family.accepts:
        raise UnsupportedParameter(_unsupported("prompt", family), parameter="prompt")
    if not contents.only_text(request):
        sampling = fitting.changes["sampling"]
        fitting.changes.update(contents.fit(request, family, ignorable, fitting.dropped, thinks=is_thinking(sampling)))
    dropped = fitting.dropped
    return replace(request, **fitting.changes), tuple(dict.fromkeys(dropped)) if dropped else ()


def is_thinking(sampling: Sampling) -> bool:
    """Whether the model is told to think."""
    return sampling.reasoning_tokens is not None or sampling.reasoning_effort not in {None, _NOT_WANTED}


def check(name: str, value: Any, family: Family) -> None:
    """Refuse a value that the family has no knob for, or that its knob does not reach.

    Raises:
        UnsupportedParameter: No such knob.
        InvalidParameter: Not this value; the message names it, the range and the family.
    """
    rule = family.accepts.get(name, _ABSENT)
    if rule is _ABSENT:
        raise UnsupportedParameter(_unsupported(name, family), parameter=name)
    if isinstance(rule, Range):
        _check_range(name, value, rule, family)
    elif isinstance(rule, AtMost) and len(value) > rule.entries:
        raise InvalidParameter(
            f'{name} has {len(value)} entries: family "{family.name}" takes at most {rule.entries}', parameter=name
        )
    elif isinstance(rule, OneOf) and value not in rule.words:
        raise InvalidParameter(f'{name} is one of {", ".join(rule.words)} for family "{family.name}"', parameter=name)
    if name == "stop" and "" in value:
        raise InvalidParameter("stop holds an empty string, which would end every answer at once", parameter="stop")


def _unsupported(name: str, family: Family) -> str:
    return f'{name} is not supported by family "{family.name}"'


def _is_within(value: float, rule: Range) -> bool:
    # Written so that a value that compares with nothing (NaN) is refused too.
    return value <= rule.high and (value > rule.low if rule.above else value >= rule.low)


def _check_range(name: str, value: float, rule: Range, family: Family) -> None:
    if _is_within(value, rule):
        return
    low = f"above {rule.low:g}" if rule.above else f"{rule.low:g}"
    raise InvalidParameter(
        f'{name} {value} is outside {low} to {_plain(rule.high)} for family "{family.name}"',
        parameter=name,
    )


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _sampling(said: Sampling, fitting: _Fitting, defaults: Mapping[str, Any]) -> Sampling:
    kept = {
        name: value
        for name, value in zip(NAMES, _values(said), strict=True)
        if value is not None and value != () and _keeps(name, value, fitting)
    }
    if not fitting.family.beside.keys().isdisjoint(kept):
        _part(fitting, kept)
    for name, value in defaults.items():
        if getattr(said, name, None) in _UNSAID:
            _apply_default(name, value, fitting, kept)
    if "max_tokens" not in kept:
        kept["max_tokens"] = fitting.family.max_tokens
    return Sampling(**kept)


def _keeps(name: str, value: Any, fitting: _Fitting) -> bool:
    """Whether a parameter the caller sent goes to the model; if not, it has been dropped and named."""
    family = fitting.family
    rule = family.accepts.get(name, _ABSENT)
    if type(rule) is Range and rule.low < value <= rule.high:  # nearly every request, and nothing else to ask
        return True
    if rule is _ABSENT and (name in ADVISORY or MEANS_NOTHING.get(name, _ABSENT) == value):
        fitting.dropped.append(name)
        return False
    try:
        check(name, value, family)
    except (UnsupportedParameter, InvalidParameter):
        if name not in fitting.ignorable and MEANS_NOTHING.get(name, _ABSENT) != value:
            raise
        fitting.dropped.append(name)
        return False
    return True


def _apply_default(name: str, value: Any, fitting: _Fitting, kept: dict[str, Any]) -> None:
    if name not in fitting.family.accepts or name not in NAMES:
        fitting.dropped.append(name)
        return
    if name == "stop":
        value = (value,) if isinstance(value, str) else tuple(value)
    check(name, value, fitting.family)
    if any(_clashes(fitting.family, {**kept, name: value})):
        fitting.dropped.append(name)  # the caller's word is stronger
        return
    kept[name] = value


def _part(fitting: _Fitting, kept: dict[str, Any]) -> None:
    """Take apart what does not go together: what means nothing leaves, named; what the caller meant is refused."""
    while clash := next(_clashes(fitting.family, kept), None):
        harmless = [each for each in clash if MEANS_NOTHING.get(each, _ABSENT) == kept[each]]
        leaving = [*harmless, *(each for each in clash if each in fitting.ignorable)]
        if not leaving:
            raise InvalidParameter(_clash(*clash, kept, fitting.family), parameter=clash[0])
        del kept[leaving[0]]
        fitting.dropped.append(leaving[0])


def _clashes(family: Family, kept: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each parameter that cannot stand as it is, and the one that it cannot stand beside."""
    for other, narrowed in family.beside.items():
        if kept.get(other, _NOT_WANTED) == _NOT_WANTED:
            continue
        for name, rule in narrowed.items():
            if name in kept and (rule is None or not _is_within(kept[name], rule)):
                yield name, other


def _clash(name: str, other: str, kept: Mapping[str, Any], family: Family) -> str:
    rule = family.beside[other][name]
    if rule is None:
        return f'{name} and {other} do not go together for family "{family.name}": send one of them'
    bounds = _plain(rule.low) if rule.low == rule.high else f"{_plain(rule.low)} to {_plain(rule.high)}"
    return f'{name} {kept[name]} does not go together with {other} for family "{family.name}": beside it, {name} is {bounds}'


def _fit_tools(request: ChatRequest, fitting: _Fitting) -> None:
    accepts = fitting.family.accepts
    if request.tools and "tools" in accepts:
        _fit_choice(request, fitting)
        if "tools.strict" not in accepts and any(tool.strict for tool in request.tools):
            fitting.dropped.append("tools.strict")
        if request.parallel_tool_calls is not None and "parallel_tool_calls" not in accepts:
            fitting.forgive("parallel_tool_calls", harmless=request.parallel_tool_calls)
        return
    if request.tools:
        fitting.forgive("tools", harmless=False, empty=())
    if request.tool_choice is not None:
        _fit_idle_choice(request.tool_choice, fitting)
    if request.parallel_tool_calls is not None:
        fitting.drop("parallel_tool_calls")


def _fit_choice(request: ChatRequest, fitting: _Fitting) -> None:
    choice = request.tool_choice
    if choice is None:
        return
    if "tool_choice" not in fitting.family.accepts:
        fitting.forgive("tool_choice", harmless=choice.mode == "auto")
    elif choice.mode == "named" and all(tool.name != choice.name for tool in request.tools):
        raise InvalidParameter(f'tool_choice names "{choice.name}", which is not among the tools', parameter="tool_choice")
    else:
        _fit_mode(choice, fitting)


def _fit_mode(choice: ToolChoice, fitting: _Fitting) -> None:
    try:
        check("tool_choice", choice.mode, fitting.family)
    except InvalidParameter:
        if "tool_choice" not in fitting.ignorable:
            raise
        fitting.drop("tool_choice")


def _fit_idle_choice(choice: ToolChoice, fitting: _Fitting) -> None:
    """Without tools there is nothing to choose: only the demand for a call would change the answer."""
    harmless = choice.mode in {"auto", "none"} or "tools" in fitting.changes
    if not harmless and "tools" in fitting.family.accepts and "tool_choice" not in fitting.ignorable:
        raise InvalidParameter("tool_choice asks for a call, and the request has no tools", parameter="tool_choice")
    fitting.forgive("tool_choice", harmless=harmless)


def _fit_response_format(wanted: ResponseFormat, fitting: _Fitting) -> None:
    accepts = fitting.family.accepts
    if "response_format" not in accepts:
        fitting.forgive("response_format", harmless=wanted.kind == "text")
    elif wanted.strict and "response_format.strict" not in accepts:
        fitting.dropped.append("response_format.strict")
