"""What a family can read of a request's contents beside text: images, documents, earlier thoughts, cache points.

An image or a document that it cannot read would change the answer, so it is refused by its place. Earlier thoughts and
cache points change no answer where the family has no place for them: they are dropped and named, and so is a participant's
name, which only some models are shown. Knows no native field.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from adapters import caching
from adapters.chat import CachePoint, ChatRequest, Document, Image, Message, Part, Reasoning, Text
from adapters.errors import UnsupportedContent
from adapters.family import AtMost, CachePoints, Family, Sealed

# Kind of part: the feature in a family's ``accepts``, the word for a person, and whether leaving it out changes the answer.
_MATTERS: dict[type, tuple[str, str]] = {Image: ("images", "image"), Document: ("documents", "document")}
_HARMLESS: dict[type, tuple[str, str]] = {Reasoning: ("reasoning", "reasoning"), CachePoint: ("cache", "cache_control")}

_ABSENT = object()


def only_text(request: ChatRequest) -> bool:
    """Whether there is nothing here to look at: the usual request, asked in one pass."""
    for message in request.messages:
        if message.name is not None:
            return False
        for part in message.parts:
            if type(part) is not Text:
                return False
    return all(tool.cache_point is None for tool in request.tools)


def fit(request: ChatRequest, family: Family, ignorable: frozenset[str], dropped: list[str], *, thinks: bool) -> dict[str, Any]:
    """The fields of the request that have to change so that the family can read its contents.

    Args:
        ignorable: Parameters that the alias drops, named, instead of refusing: ``images``, ``documents``.
        dropped: Takes the names of what is left out.
        thinks: Whether the model is told to think.

    Raises:
        UnsupportedContent: An image or a document that the family does not read, named by its place.
    """
    unread: list[Callable[[Part], bool]] = []
    for kind, (feature, _) in _MATTERS.items():
        if _too_many(request, kind, family, ignorable):
            unread.append(_is_a(kind))
            dropped.append(feature)
    for kind, (feature, name) in _HARMLESS.items():
        unreadable = _unreadable(kind, family.accepts.get(feature, _ABSENT), thinks=thinks)
        if unreadable is not None and _has(request, unreadable):
            unread.append(unreadable)
            dropped.append(name)
    if "name" not in family.accepts and any(message.name is not None for message in request.messages):
        dropped.append("name")
    changes: dict[str, Any] = {}
    if unread:
        changes["messages"] = tuple(_without(message, unread) for message in request.messages)
    if unread and "cache" not in family.accepts:
        changes["tools"] = tuple(replace(tool, cache_point=None) for tool in request.tools)
    elif isinstance(rule := family.accepts.get("cache"), CachePoints):
        changes |= caching.fit(replace(request, **changes), rule, dropped)
    return changes


def _is_a(kind: type) -> Callable[[Part], bool]:
    return lambda part: type(part) is kind


def _is_unsealed(part: Part) -> bool:
    return type(part) is Reasoning and part.signature is None and part.redacted is None


def _unreadable(kind: type, rule: object, *, thinks: bool) -> Callable[[Part], bool] | None:
    """Which parts of a kind the family has no use for; ``None``: it reads them all."""
    if rule is _ABSENT or (isinstance(rule, Sealed) and not (thinks or rule.always)):
        return _is_a(kind)
    return _is_unsealed if isinstance(rule, Sealed) else None


def _too_many(request: ChatRequest, kind: type, family: Family, ignorable: frozenset[str]) -> bool:
    """Whether there are more of a kind than the family reads, and the alias lets them be dropped."""
    feature, word = _MATTERS[kind]
    rule = family.accepts.get(feature, AtMost(0))
    if not isinstance(rule, AtMost):
        return False
    places = _places(request, _is_a(kind))
    if len(places) <= rule.entries:
        return False
    if feature not in ignorable:
        place = places[rule.entries]
        raise UnsupportedContent(_refusal(place, word, rule.entries, family), parameter=place)
    return True


def _places(request: ChatRequest, wanted: Callable[[Part], bool]) -> list[str]:
    return [
        f"messages[{index}].content[{position}]"
        for index, message in enumerate(request.messages)
        for position, part in enumerate(message.parts)
        if wanted(part)
    ]


def _refusal(place: str, word: str, most: int, family: Family) -> str:
    article = "an" if word[0] in "aeiou" else "a"
    if most:
        return f'{place} is one {word} too many: family "{family.name}" reads at most {most}'
    return f'{place} is {article} {word}, and family "{family.name}" reads none'


def _has(request: ChatRequest, wanted: Callable[[Part], bool]) -> bool:
    if any(tool.cache_point is not None and wanted(tool.cache_point) for tool in request.tools):
        return True
    return any(wanted(part) for message in request.messages for part in message.parts)


def _without(message: Message, unread: Sequence[Callable[[Part], bool]]) -> Message:
    parts = tuple(part for part in message.parts if not any(leaves(part) for leaves in unread))
    return message if len(parts) == len(message.parts) else replace(message, parts=parts)
