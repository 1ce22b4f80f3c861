"""What each family can do, in four words: the tables of docs/families.md, made of the adapters. Compares nothing."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from adapters import FAMILIES, parameters
from adapters.family import AtMost, Family, OneOf, Range, Sealed

Word = Literal["native", "emulated", "refused", "ignored"]

CONTENTS = ("images", "documents", "reasoning", "cache", "prompt")
CALLS = ("tools", "tools.strict", "tool_choice", "parallel_tool_calls", "response_format", "response_format.strict")
GENERATION = (
    "stop",
    "seed",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
    "reasoning_tokens",
)
NUMBERS = ("temperature", "top_p", "top_k", "max_tokens")
FEATURES = (*CONTENTS, *CALLS, *GENERATION, *NUMBERS)

# What is dropped and named where nothing honours it, beside the feature that it belongs to: without that one it is refused.
_HARMLESS = dict.fromkeys((*parameters.ADVISORY, "reasoning", "cache"), "") | {
    "tools.strict": "tools",
    "response_format.strict": "response_format",
}
_HEADS = {"reasoning": "earlier thoughts", "cache": "cache points", "prompt": "a prompt of your own", "stop": "`stop`, texts"}


def word(family: Family, feature: str) -> Word:
    """What becomes of a feature that a request uses."""
    if feature in family.accepts:
        return "emulated" if feature in family.emulates else "native"
    owner = _HARMLESS.get(feature)
    return "ignored" if owner is not None and (not owner or owner in family.accepts) else "refused"


def contents() -> str:
    """What may stand in a conversation."""
    return _table(CONTENTS, _cell)


def calls() -> str:
    """Tools, and answers of a shape."""
    return _table(CALLS, _cell)


def generation() -> str:
    """What steers an answer without having a range."""
    return _table(GENERATION, _cell)


def numbers() -> str:
    """What has a range; and the ceiling where nobody says one."""
    more = {"`max_tokens` when nobody says": lambda family: f"{family.max_tokens}"}
    return _table(NUMBERS, _cell, more)


def _cell(family: Family, feature: str) -> str:
    said = word(family, feature)
    if said == "refused":
        return "refused"
    match family.accepts.get(feature):
        case AtMost(entries):
            return f"{said}, at most {entries}"
        case OneOf(words):
            return f"{said}: {', '.join(words)}"
        case Range() as rule:
            return bounds(rule) if said == "native" else f"{said}, {bounds(rule)}"
        case Sealed(always):
            return said if always else f"{said}, while it thinks"
    return said


def bounds(rule: Range) -> str:
    """A range in words."""
    high = int(rule.high) if rule.high == int(rule.high) else rule.high
    return f"{'above ' if rule.above else ''}{rule.low:g} to {high}"


def _table(
    features: tuple[str, ...],
    cell: Callable[[Family, str], str],
    more: Mapping[str, Callable[[Family], Any]] = {},
) -> str:
    heads = ["", *(_HEADS.get(feature, f"`{feature}`") for feature in features), *more]
    rows = [
        [f"`{name}`", *(cell(family, feature) for feature in features), *(made(family) for made in more.values())]
        for name, family in FAMILIES.items()
    ]
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)
