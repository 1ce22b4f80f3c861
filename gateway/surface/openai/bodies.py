"""What holds for every JSON body of OpenAI's: it is read strictly, says nothing twice, and is nowhere too deep.

Knows no endpoint and no field but the two that a proxy before us may read, too.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from gateway.errors import InvalidRequest
from gateway.surface.openai.complaints import explain

DEEPEST = 64
"""How many levels of objects and lists a body may have."""

# A key of five or six letters, one of them at least escaped. Bounded at both ends, so that no text makes the search slow.
_ESCAPED_KEY = re.compile(rb'"(?=[a-z]{0,5}\\u00)(?:[a-z]|\\u00[67][0-9a-fA-F]){5,6}"\s*:')
_UNIQUE = ("model", "stream")  # twice in a body, they would mean one thing to us and another to a proxy before us


def refuse_repeated_fields(body: bytes) -> None:
    """The decoder lets a later field win in silence; a key may also hide behind escapes.

    Raises:
        InvalidRequest: ``model`` or ``stream`` is there twice.
    """
    hidden = b"\\" in body and b"\\u00" in body and _ESCAPED_KEY.search(body)  # cheapest first
    if not hidden and body.count(b'"model"') == 1 and body.count(b'"stream"') <= 1:
        return
    # The hook sees inner objects before outer ones, so the last pairs are the body's own.
    pairs: list[tuple[str, Any]] = []

    def remember(found: list[tuple[str, Any]]) -> None:
        nonlocal pairs
        pairs = found

    try:
        json.loads(body, object_pairs_hook=remember)
    except RecursionError as error:  # it has less patience with depth than our decoder
        raise explain(body, error) from error
    names = [name for name, _ in pairs]
    for name in _UNIQUE:
        if names.count(name) > 1:
            raise InvalidRequest(f"{name} is given twice", parameter=name)


def refuse_depth(body: bytes, schemas: Iterable[tuple[str, int, object]]) -> None:
    """Only schemas can be deep: everything else has a shape. A body of few brackets cannot be deep at all.

    Args:
        schemas: Where each stands, how many levels are above it, and what it is.

    Raises:
        InvalidRequest: One is nested too deep.
    """
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return
    for where, levels_above, schema in schemas:
        if nested_too_deep(schema, DEEPEST - levels_above):
            raise InvalidRequest(f"{where} is nested deeper than {DEEPEST} levels", parameter=where)


def nested_too_deep(value: object, levels: int) -> bool:
    """Whether decoded JSON has more than so many levels of objects and lists."""
    layer = [value]
    while layer := [node for node in layer if isinstance(node, dict | list)]:
        if levels == 0:
            return True
        levels -= 1
        layer = [child for node in layer for child in (node.values() if isinstance(node, dict) else node)]
    return False
