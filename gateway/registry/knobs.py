"""A route's ``defaults`` and ``ignore_parameters``: names that exist, values that some target's family takes.

What would make every request fail is refused here, once, instead of there, each time. Knows no target.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from adapters import embedder, embeddings, parameters
from adapters.chat import Sampling
from adapters.embedder import Embedder
from adapters.errors import InvalidParameter, UnsupportedParameter
from adapters.family import Family
from gateway.findings import Problem, quoted, step, suggestion

# Spellings of OpenAI's newer API and of other vendors, for which the nearest spelling is no good hint.
_OTHER_SPELLINGS = {"max_completion_tokens": "max_tokens", "max_output_tokens": "max_tokens", "stop_sequences": "stop"}

_FEATURES = ("tools", "tool_choice", "parallel_tool_calls", "response_format", "images", "documents")


def defaults(
    written: Mapping[str, Any], families: Sequence[Family], path: str
) -> tuple[dict[str, Any], list[Problem], list[str]]:
    """The parameters that a route sends when a caller does not say.

    Args:
        families: Those of the route's targets, each once.

    Returns:
        The values as the canonical request types them, problems, and warnings.
    """
    accepted: dict[str, Any] = {}
    problems: list[Problem] = []
    warnings: list[str] = []
    for name, value in written.items():
        place = step(path, name)
        try:
            accepted[name] = _typed(name, value)
            problems += (Problem(place, reason) for reason in _out_of_range(name, accepted[name], families))
        except ValueError as error:
            problems.append(Problem(place, str(error)))
            continue
        without = [family.name for family in families if name not in family.accepts]
        if without and len(without) == len(families):
            problems.append(Problem(place, f"no target's family ({', '.join(without)}) has this parameter; remove it"))
        elif without:
            warnings.append(f"{place}: not sent to targets of family {', '.join(without)}, which has no such parameter.")
    return accepted, problems, warnings


def embedding_defaults(written: Mapping[str, Any], maker: Embedder, path: str) -> Iterator[Problem]:
    """What cannot stand in the ``defaults`` of an alias that makes embeddings."""
    for name, value in written.items():
        place = step(path, name)
        if name not in embeddings.NAMES:
            yield Problem(place, f"{quoted(name)} is no parameter of embeddings; {suggestion(name, embeddings.NAMES)}")
            continue
        try:
            embedder.check(name, value, maker)
        except (UnsupportedParameter, InvalidParameter) as error:
            yield Problem(place, f"{error}; every request that does not say would be refused")


def unknown_ignorables(written: Sequence[str], path: str) -> Iterator[Problem]:
    """What cannot stand in ``ignore_parameters``."""
    known = (*parameters.NAMES, *_FEATURES, *embeddings.NAMES)
    for index, name in enumerate(written):
        if name not in known:
            yield Problem(step(path, index), _unknown(name, known))
        elif name == "dimensions":
            yield Problem(step(path, index), "vectors of other dimensions than asked for are of no use to anybody; remove it")
        elif name == "max_tokens":
            yield Problem(step(path, index), "max_tokens is always sent, and every family honours it; remove it")


def _typed(name: str, value: Any) -> Any:
    if name not in parameters.NAMES:
        raise ValueError(_unknown(name, parameters.NAMES))
    if value is None:
        raise ValueError(f"write a value, or remove {name}")
    try:
        return getattr(msgspec.convert({name: [value] if name == "stop" and isinstance(value, str) else value}, Sampling), name)
    except msgspec.ValidationError as error:
        reason = str(error).split(" - at", 1)[0].replace("`", "").replace(" | null", "")
        raise ValueError(f"{quoted(value)} is no value for {name}: {reason}") from error


def _out_of_range(name: str, value: Any, families: Sequence[Family]) -> Iterator[str]:
    for family in families:
        try:
            parameters.check(name, value, family)
        except UnsupportedParameter:
            continue
        except InvalidParameter as error:
            yield f"{error}; every request that does not say would be refused"


def _unknown(name: str, known: Sequence[str]) -> str:
    if name in _OTHER_SPELLINGS:
        return f"{quoted(name)} is called {_OTHER_SPELLINGS[name]} here"
    return f"{quoted(name)} is no parameter of a route; {suggestion(name, known)}"
