"""What a family can read of a request's contents beside text: images, documents, earlier thoughts, cache points.

An image or a document that it cannot read would change the answer, so it is refused by its place. Earlier thoughts and
cache points change no answer where the family has no place for them: they are dropped and named. Knows no native field.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from adapters.chat import CachePoint, ChatRequest, Document, Image, Message, Part, Reasoning, Text
from adapters.errors import UnsupportedContent
from adapters.family import AtMost, Family

# Kind of part: the feature in a family's ``accepts``, the word for a person, and whether leaving it out changes the answer.
_MATTERS: dict[type, tuple[str, str]] = {Image: ("images", "image"), Document: ("documents", "document")}
_HARMLESS: dict[type, tuple[str, str]] = {Reasoning: ("reasoning", "reasoning"), CachePoint: ("cache", "cache_control")}


def only_text(request: ChatRequest) -> bool:
    """Whether there is nothing here to look at: the usual request, asked in one pass."""
    for message in request.messages:
        for part in message.parts:
            if type(part) is not Text:
                return False
    return all(tool.cache_point is None for tool in request.tools)


def fit(request: ChatRequest, family: Family, ignorable: frozenset[str], dropped: list[str]) -> dict[str, Any]:
    """The fields of the request that have to change so that the family can read its contents.

    Args:
        ignorable: Parameters that the alias drops, named, instead of refusing: ``images``, ``documents``.
        dropped: Takes the names of what is left out.

    Raises:
        UnsupportedContent: An image or a document that the family does not read, named by its place.
    """
    unread: set[type] = set()
    for kind, (feature, _) in _MATTERS.items():
        if _too_many(request, kind, family, ignorable):
            unread.add(kind)
            dropped.append(feature)
    for kind, (feature, name) in _HARMLESS.items():
        if feature not in family.accepts and _has(request, kind):
            unread.add(kind)
            dropped.append(name)
    if not unread:
        return {}
    changes: dict[str, Any] = {"messages": tuple(_without(message, unread) for message in request.messages)}
    if CachePoint in unread:
        changes["tools"] = tuple(replace(tool, cache_point=None) for tool in request.tools)
    return changes


def _too_many(request: ChatRequest, kind: type, family: Family, ignorable: frozenset[str]) -> bool:
    """Whether there are more of a kind than the family reads, and the alias lets them be dropped."""
    feature, word = _MATTERS[kind]
    rule = family.accepts.get(feature, AtMost(0))
    if not isinstance(rule, AtMost):
        return False
    places = _places(request, lambda part: type(part) is kind)
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


def _has(request: ChatRequest, kind: type) -> bool:
    if kind is CachePoint and any(tool.cache_point is not None for tool in request.tools):
        return True
    return any(type(part) is kind for message in request.messages for part in message.parts)


def _without(message: Message, kinds: set[type]) -> Message:
    if any(type(part) in kinds for part in message.parts):
        return replace(message, parts=tuple(part for part in message.parts if type(part) not in kinds))
    return message
