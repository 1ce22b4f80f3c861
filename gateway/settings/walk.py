"""Plain values into Structs, telling every problem instead of the first. Knows the shape of Structs, no section by name.

msgspec stops at the first value that does not fit, so only leaves are given to it; mappings and lists are walked here.
"""

from collections.abc import Mapping
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from gateway.findings import Problem, quoted, step, suggestion
from gateway.settings.source import Source, Substituted
from gateway.settings.words import words

S = TypeVar("S", bound=Struct)


class Walk:
    """One pass over a file's values.

    Attributes:
        problems: Everything that was found, in the order of the walk; those of the source come first.
    """

    def __init__(self, source: Source) -> None:
        self.lines = source.lines
        self.problems = list(source.problems)
        self.silent = {problem.path for problem in source.problems}  # said already: the value is missing for that reason

    def problem(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message, self.lines.get(path)))

    def struct(self, values: Any, kind: type[S], path: str) -> S:
        """A Struct of what fits; a field that does not fit takes its default, a required one an empty text or list."""
        known = {field.encode_name: field for field in fields(kind)}
        if values is None:
            values = {}  # a heading with nothing below it yet
        if not isinstance(values, dict):
            self.problem(path, f"must be a mapping with {_listed(known)}, not {quoted(_written(values))}")
            return kind(**{name: _empty(field) for name, field in known.items()})
        for name in values.keys() - known.keys():
            self.problem(step(path, name), f"there is no such setting here; {suggestion(name, known)}")
        return kind(**{name: self.field(field, values, path) for name, field in known.items()})

    def field(self, field: FieldInfo, values: Mapping[str, Any], path: str) -> Any:
        place = step(path, field.encode_name)
        value = values.get(field.encode_name)
        if value is None and place in self.silent:
            return _empty(field)
        if field.encode_name in values:
            return self.value(value, field.type, place, otherwise=_empty(field))
        if field.required:
            self.problems.append(Problem(place, f"is missing; write {words(field.type)}", self.lines.get(path)))
        return _empty(field)

    def value(self, value: Any, kind: Any, path: str, otherwise: Any) -> Any:
        """Any value by its kind; ``otherwise`` stands in for a leaf that does not fit."""
        bare, optional = unwrapped(kind)
        if value is None and optional:
            return None
        if isinstance(bare, type) and issubclass(bare, Struct):
            return self.struct(value, bare, path)
        if get_origin(bare) is dict:
            return self.mapping(value, bare, path)
        if get_origin(bare) is tuple:
            return self.entries(value, bare, path)
        return self.leaf(value, kind, path, otherwise)

    def mapping(self, values: Any, kind: Any, path: str) -> dict[str, Any]:
        name_kind, entry_kind = get_args(kind)
        if not isinstance(values, dict):
            if values is not None:
                self.problem(path, f"must be {words(kind)}, not {quoted(_written(values))}")
            return {}
        known = get_args(name_kind) if get_origin(name_kind) is Literal else None
        accepted = {}
        for name, value in values.items():
            if known is not None and name not in known:
                self.problem(step(path, name), f"there is no such name here; {suggestion(name, known)}")
            else:
                accepted[name] = self.value(value, entry_kind, step(path, name), otherwise="")
        return accepted

    def entries(self, values: Any, kind: Any, path: str) -> tuple[Any, ...]:
        entry_kind, _ = get_args(kind)
        if values is None:
            return ()
        if not isinstance(values, list):
            self.problem(path, f"must be {words(kind)}, not {quoted(_written(values))}")
            return ()
        places = [(value, step(path, index)) for index, value in enumerate(values)]
        return tuple(self.value(value, entry_kind, place, otherwise="") for value, place in places if place not in self.silent)

    def leaf(self, value: Any, kind: Any, path: str, otherwise: Any) -> Any:
        # Only text from a variable may become a number: what the file itself quotes was meant as text.
        from_variable = isinstance(value, Substituted)
        try:
            accepted = msgspec.convert(_plain(value), kind, strict=not from_variable)
        except msgspec.ValidationError:
            accepted = NODEFAULT
        if accepted is NODEFAULT or (isinstance(accepted, float) and not isfinite(accepted)):
            self.problem(path, _refusal(value, kind))
            return otherwise
        return accepted


def unwrapped(kind: Any) -> tuple[Any, bool]:
    """The kind without its annotations, and whether ``None`` is allowed too."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in {Union, UnionType}:
        others = [other for other in get_args(kind) if other is not NoneType]
        if len(others) == 1:
            return unwrapped(others[0])[0], True
    return kind, False


def is_secret(kind: Any) -> bool:
    """Whether no output may show a value of this kind."""
    return any(
        isinstance(note, msgspec.Meta) and (note.extra or {}).get("secret", False)
        for note in (get_args(kind)[1:] if get_origin(kind) is Annotated else ())
    )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Substituted) else value


def _written(value: Any) -> Any:
    return value.written if isinstance(value, Substituted) else value


def _empty(field: FieldInfo) -> Any:
    """What stands in for a value that is absent or refused."""
    if field.default is not NODEFAULT:
        return field.default
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return () if get_origin(unwrapped(field.type)[0]) is tuple else ""


def _listed(known: Mapping[str, FieldInfo]) -> str:
    return ", ".join(known) if len(known) < 4 else f"{', '.join(list(known)[:3])}, …"


def _refusal(value: Any, kind: Any) -> str:
    if is_secret(kind):
        return f"must be {words(kind)}"
    written = _written(value)
    found = quoted(written)
    bare, _ = unwrapped(kind)
    if get_origin(bare) is Literal and isinstance(written, str):
        return f"{found} is not {words(kind)}; {suggestion(written, get_args(bare))}"
    hint = "; put it in quotes" if bare is str and isinstance(value, bool | int | float) else ""
    return f"must be {words(kind)}, not {found}{hint}"
