"""YAML text to plain values, each with its line. Knows no section and no meaning.

Stricter than YAML where YAML surprises: a key may stand once, size and depth are bounded, aliases may not multiply,
and only plain values exist. ``${NAME}`` is replaced inside values after parsing, so a variable's text can never add
a key or a list entry.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.findings import Problem, quoted, step

MAX_BYTES = 1024 * 1024
MAX_NODES = 100_000  # after aliases are followed: a few lines of them can stand for billions
MAX_DEPTH = 32

_TAG = "tag:yaml.org,2002:"
_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")

# YAML 1.1 reads 010 as eight, 1:30 as ninety and "no" as false. Here a plain value is a number or a truth only where
# everybody would say so; all else is text, and a date is text too, for no setting is one.
_PLAIN: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"|~|null|Null|NULL"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?(0|[1-9][0-9_]{0,30})"), int),
    (re.compile(r"[-+]?[0-9]{1,30}\.[0-9]{0,30}([eE][-+][0-9]{1,3})?"), float),
)
_TAGS = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "str", "timestamp", "value", "map", "seq"))


class Substituted(str):
    """Text that holds the value of an environment variable.

    Attributes:
        written: What stands in the file, ``${NAME}`` included: messages show this, for the variable may be a secret.
    """

    __slots__ = ("written",)
    written: str


class Source(NamedTuple):
    """A file, read.

    Attributes:
        values: Plain values; ``None`` for an empty file. What had a problem is ``None`` in its place.
        lines: Path to line, from 1.
    """

    values: Any
    lines: Mapping[str, int]
    problems: tuple[Problem, ...]


def read(text: bytes, environ: Mapping[str, str]) -> Source:
    """Read YAML; problems are returned, not raised, since other parts of the file may have more to say."""
    if len(text) > MAX_BYTES:
        return _unreadable(f"the file is {len(text)} bytes long; at most {MAX_BYTES} are read")
    try:
        if _depth(text) > MAX_DEPTH:
            return _unreadable(f"more than {MAX_DEPTH} levels are nested")
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        return _unreadable(f"this is not YAML: {error.problem or error.context}", line)
    except (yaml.YAMLError, UnicodeError):
        return _unreadable("this is not YAML in UTF-8")
    reader = _Reader(environ)
    values = reader.value(node, "", 0) if node is not None else None
    return Source(values, reader.lines, tuple(reader.problems))


def _unreadable(message: str, line: int | None = None) -> Source:
    return Source(None, {}, (Problem("", message, line),))


def _depth(text: bytes) -> int:
    """How deep the text nests. Asked first: composing recurses in C and would end the process (PyYAML 6.0.3, 2026-11-22)."""
    depth = deepest = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        deepest = max(deepest, depth)
        if deepest > MAX_DEPTH:
            break
    return deepest


class _Reader:
    """Turns the nodes of one document into values, and remembers what it met."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def problem(self, path: str, message: str, node: Node) -> None:
        self.problems.append(Problem(path, message, node.start_mark.line + 1))

    def value(self, node: Node, path: str, depth: int) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            return self.refuse_excess(node, path)
        if node.tag not in _TAGS:
            self.problem(path, f"the tag {quoted(node.tag.replace(_TAG, '!!'))} is not known here; write a plain value", node)
            return None
        if isinstance(node, MappingNode):
            return self.mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            return [self.value(entry, step(path, index), depth + 1) for index, entry in enumerate(node.value)]
        return self.scalar(node, path) if isinstance(node, ScalarNode) else None

    def refuse_excess(self, node: Node, path: str) -> None:
        """Aliases repeat too much, or one holds itself; said once, and the rest of the tree is cut off."""
        if self.nodes != MAX_NODES + 2:
            self.problem(path, f"aliases repeat too much here: at most {MAX_NODES} values in {MAX_DEPTH} levels", node)
        self.nodes = MAX_NODES + 1

    def mapping(self, node: MappingNode, path: str, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        bases: dict[str, Any] = {}
        for key, entry in node.value:
            if not isinstance(key, ScalarNode):
                self.problem(path, "a name must be plain text, not a list or a mapping", key)
            elif key.tag == _TAG + "merge":
                # What the mapping says itself wins over its bases, the first of several bases over the later ones.
                bases = self.merged(entry, path, depth) | bases
            elif key.value in values:
                self.problem(step(path, key.value), "stands twice in the same mapping; remove one", key)
            else:
                self.lines[step(path, key.value)] = key.start_mark.line + 1
                values[key.value] = self.value(entry, step(path, key.value), depth + 1)
        return bases | values

    def merged(self, node: Node, path: str, depth: int) -> dict[str, Any]:
        """What ``<<`` brings in: one mapping, or a list of them."""
        bases: dict[str, Any] = {}
        for base in node.value if isinstance(node, SequenceNode) else (node,):
            if isinstance(base, MappingNode):
                bases = (self.value(base, path, depth + 1) or {}) | bases
            else:
                self.problem(path, "<< needs a mapping, as in `<<: *name`", base)
        return bases

    def scalar(self, node: ScalarNode, path: str) -> Any:
        if "${" in node.value:
            return self.substituted(node.value, path, node)
        if node.style or node.tag == _TAG + "str":
            return node.value  # in quotes, a block, or marked as text: whatever it looks like
        return next((make(node.value) for form, make in _PLAIN if form.fullmatch(node.value)), node.value)

    def substituted(self, written: str, path: str, node: Node) -> str | None:
        """Put the variables in; what cannot be replaced is a problem and leaves nothing behind."""
        used: list[str] = []
        failures: list[str] = []

        def replacement(match: re.Match[str]) -> str:
            name = match[1]
            if name in self.environ:
                used.append(name)
                return self.environ[name]
            if name is not None:
                failures.append(f"the environment variable {name} is not set; set it, or write $${{{name}}} for the text itself")
            elif match[0] == "${":
                failures.append("write ${NAME} for an environment variable, or $${ for the two characters")
            return "${"

        value = Substituted(_VARIABLE.sub(replacement, written))
        value.written = written
        for failure in failures:
            self.problem(path, failure, node)
        return None if failures else value if used else str(value)
