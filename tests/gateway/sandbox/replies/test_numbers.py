"""Numbers of a text find the members that they belong to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.replies.instances import instance
from gateway.sandbox.replies.numbers import NUMBER, Wanted, given_out

BOOKING = {"booking_number": Wanted("The booking number.", is_whole=True), "room": Wanted("The number of the new room.")}


@pytest.mark.parametrize(
    ("members", "text", "expected"),
    [
        pytest.param(
            BOOKING,
            "Please change the room of booking number 48213 to room 614.",
            {"booking_number": "48213", "room": "614"},
            id="the word before",
        ),
        pytest.param(BOOKING, "Room number 614 for booking number 48213", {"booking_number": "48213", "room": "614"}, id="name"),
        pytest.param(BOOKING, "Move 48213 to 614.", {"booking_number": "48213", "room": "614"}, id="order"),
        pytest.param(BOOKING, "Room 614, please", {"room": "614"}, id="only one"),
        pytest.param(
            {"guests": Wanted(), "rooms": Wanted()}, "Book 2 rooms for 3 guests", {"guests": "3", "rooms": "2"}, id="word after"
        ),
        pytest.param({"n": Wanted("nights to stay")}, "Room 12 for the nights 3", {"n": "3"}, id="description"),
        pytest.param({"count": Wanted(is_whole=True)}, "count 1.5, or -4", {"count": "-4"}, id="whole"),
        pytest.param({"": Wanted()}, "7", {"": "7"}, id="no name"),
    ],
)
def test_given_out(members, text, expected):
    """Names speak before descriptions, the nearest word before the farther; what nothing speaks for goes in order."""
    assert expected == given_out(members, text)


def test_a_number_is_used_once():
    """An object's second number member does not repeat the first one's."""
    schema = {"type": "object", "properties": {"floor": {"type": "integer"}, "room": {"type": "integer"}}}

    assert instance(schema, "Room 614") == {"floor": 1, "room": 614}


@given(st.lists(st.sampled_from(["room", "floor", "7", "8", "1.5", "of"])), st.sets(st.sampled_from(["room", "floor", "bed"])))
def test_every_number_is_given_out_until_members_or_numbers_end(pieces, names):
    """Nobody goes without while a number is left, and no place is given twice."""
    text = " ".join(pieces)
    given = given_out({name: Wanted() for name in names}, text)
    numbers = NUMBER.findall(text)

    assert len(given) == min(len(numbers), len(names))
    assert all(list(given.values()).count(number) <= numbers.count(number) for number in numbers)
