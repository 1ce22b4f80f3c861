"""The schema of a tool as Nova takes it: at its top ``type``, ``properties`` and ``required``, and nothing else.

Nova refuses every other key there (Nova user guide, tool-use-definition; "extraneous key [definitions] is not permitted",
zed-industries/zed#28521; read 2026-11-22), and pydantic and zod write several. So what is referred to is put in its place,
what only describes is left out, and what would change the schema's meaning is refused.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from adapters.errors import InvalidParameter

_KEPT = ("type", "properties", "required")
_DEFINITIONS = ("$defs", "definitions")
_DESCRIBING = frozenset({"$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated"})
_DATA = frozenset({"enum", "const", "default", "examples"})  # what looks like a reference inside these is none
_MOST_NODES = 20_000  # a schema of a few lines can refer to itself over and over and fill the memory


def narrowed(schema: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The same schema within Nova's bounds; the schema itself where it is.

    Args:
        place: Where it stands in the request, as the caller spells it.

    Raises:
        InvalidParameter: It needs a key that Nova does not take, or refers to itself, to nothing, or to another document.
    """
    if all(key in _KEPT for key in schema):
        return schema
    for key, value in schema.items():
        closes = key == "additionalProperties" and isinstance(value, bool)  # nobody holds the model to it
        if key not in _KEPT and key not in _DEFINITIONS and key not in _DESCRIBING and not closes:
            raise InvalidParameter(f"{place} has {key} at its top, where Nova takes only {', '.join(_KEPT)}", parameter=place)
    inliner = _Inliner({f"#/{part}/{name}": node for part in _DEFINITIONS for name, node in _members(schema, part)}, place)
    return {key: inliner.inlined(schema[key], ()) for key in _KEPT if key in schema}


def _members(schema: Mapping[str, Any], part: str) -> list[tuple[str, Any]]:
    members = schema.get(part)
    return list(members.items()) if isinstance(members, Mapping) else []


class _Inliner:
    """Puts definitions in the place of references to them."""

    def __init__(self, definitions: Mapping[str, Any], place: str) -> None:
        self._definitions = definitions
        self._place = place
        self._nodes = 0

    def inlined(self, node: Any, within: tuple[str, ...]) -> Any:
        """The node without references.

        Args:
            within: The references that led here: meeting one of them again would never end.
        """
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise self._refused("refers to so much that it would fill the request")
        if isinstance(node, list):
            return [self.inlined(member, within) for member in node]
        if not isinstance(node, Mapping):
            return node
        beside = {key: value if key in _DATA else self.inlined(value, within) for key, value in node.items() if key != "$ref"}
        reference = node.get("$ref")
        if not isinstance(reference, str):  # a property may be called so
            return beside if reference is None else {"$ref": self.inlined(reference, within), **beside}
        return {**self._referred(reference, within), **beside}

    def _referred(self, reference: str, within: tuple[str, ...]) -> Mapping[str, Any]:
        if reference in within:
            raise self._refused(f'refers to itself by "{reference}", and Nova takes no references')
        head, _, name = reference.rpartition("/")
        node = self._definitions.get(f"{head}/{unquote(name).replace('~1', '/').replace('~0', '~')}")
        if not isinstance(node, Mapping):
            raise self._refused(f'refers to "{reference}", which is not among its definitions')
        referred: Mapping[str, Any] = self.inlined(node, (*within, reference))
        return referred

    def _refused(self, why: str) -> InvalidParameter:
        return InvalidParameter(f"{self._place} {why}", parameter=self._place)
