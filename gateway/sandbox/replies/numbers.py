"""Which number of a text belongs to which member of an object. Each is given out once. Pure; knows no JSON Schema."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, pairwise
from typing import NamedTuple

from gateway.sandbox.replies.words import keywords, words

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

_MOST = 256  # numbers that are looked at: nobody means more, and every member looks at each
_FOLLOWS = 1.5  # the word right after a number: in "room 2 guests 3" the one before it is nearer, in "2 rooms for 3 guests" not


class Wanted(NamedTuple):
    """A member that holds a number.

    Attributes:
        description: What its schema says of it; asked only where the name says nothing.
        is_whole: Whether it holds whole numbers only.
    """

    description: str = ""
    is_whole: bool = False


class _Found(NamedTuple):
    """A number of the text, and how far from it the keywords before it, up to the last number, and the one after it are."""

    written: str
    before: dict[str, float]
    after: dict[str, float]


class _Match(NamedTuple):
    """How well a number suits a member: least is best."""

    missing: float
    distance: float
    place: int
    member: str


def given_out(members: Mapping[str, Wanted], text: str) -> dict[str, str]:
    """The number of the text for each member, as it is written there; a member that gets none is left out.

    The best match goes first: the number beside most of the words of the member's name, and among those the nearest one.
    What nothing speaks for is given out in the order of the text.
    """
    found = _numbers(text)
    matches = sorted(
        match
        for member, wanted in members.items()
        for place, number in enumerate(found)
        if _suits(wanted, number)
        for match in _matches(member, wanted, place, number)
    )
    given: dict[str, int] = {}
    for match in matches:
        if match.member not in given and match.place not in given.values():
            given[match.member] = match.place
    for member, wanted in members.items():
        free = (place for place, number in enumerate(found) if place not in given.values() and _suits(wanted, number))
        if member not in given and (place := next(free, None)) is not None:
            given[member] = place
    return {member: found[place].written for member, place in given.items()}


def _numbers(text: str) -> list[_Found]:
    found = list(islice(NUMBER.finditer(text), _MOST))
    edges = [0, *(edge for match in found for edge in match.span()), len(text)]
    between = [words(text[start:end]) for start, end in list(pairwise(edges))[::2]]
    return [
        _Found(match.group(), _distances(reversed(before)), dict.fromkeys(_distances(after[:1]), _FOLLOWS))
        for match, (before, after) in zip(found, pairwise(between), strict=True)
    ]


def _distances(outward: Iterable[str]) -> dict[str, float]:
    """Keywords by their distance, in words; of one that recurs the nearest."""
    near: dict[str, float] = {}
    for distance, word in enumerate(outward, 1):
        for keyword in keywords(word):
            near.setdefault(keyword, distance)
    return near


def _suits(wanted: Wanted, number: _Found) -> bool:
    return not wanted.is_whole or float(number.written).is_integer()


def _matches(member: str, wanted: Wanted, place: int, number: _Found) -> Iterator[_Match]:
    name = keywords(member)
    for near in (number.before, number.after):
        hits = [word for word in name if word in near]
        speaking = hits or [word for word in keywords(wanted.description) if word in near]
        if speaking:
            yield _Match(1 - len(hits) / max(1, len(name)), min(near[word] for word in speaking), place, member)
