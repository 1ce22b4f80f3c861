"""Summaries made of a text's own statements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.replies.summary import best_answer, summarise

CHECK_IN = """\
Receptionist: Good evening, welcome to the Harbour Hotel. How may I help you?
Guest: Hello, I have a reservation for three nights. The booking number is 48213.
Receptionist: Thank you. I see a double room with a sea view, breakfast included, until Thursday.
Guest: That is right. Could I have a room on a higher floor? I am a light sleeper.
Receptionist: Let me look. Yes, room 614 on the sixth floor is free and quiet. I have moved you there at no extra charge.
Guest: Wonderful. And what time is breakfast?
Receptionist: From half past six until ten, in the restaurant on the ground floor. Check-out is at eleven.
Guest: I leave early on Thursday, around five. Can I still get something to eat?
Receptionist: Of course. We will prepare a breakfast box and have it ready at the desk by half past four.
Guest: Perfect, thank you very much.
Receptionist: My pleasure. Here is your key card. The lifts are behind you on the left."""


def test_a_dialogue_is_told_in_statements_with_their_speakers():
    """No question, no greeting, no "From six until ten" that nobody asked for; everybody is named and heard."""
    assert summarise(CHECK_IN) == (
        "Receptionist: I see a double room with a sea view, breakfast included, until Thursday. "
        "Room 614 on the sixth floor is free and quiet.\n"
        "Guest: I leave early on Thursday, around five.\n"
        "Receptionist: We will prepare a breakfast box and have it ready at the desk by half past four."
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Do cats purr? Cats purr when they are content.", "Cats purr when they are content.", id="question"),
        pytest.param("Why? Who says so?", "Why?", id="only questions"),
        pytest.param("Good evening, everybody here. The shop closes now.", "The shop closes now.", id="greeting"),
        pytest.param("Yes, the shop closes at nine", "The shop closes at nine.", id="answer"),
        pytest.param("Note: The shop closes at nine.", "The shop closes at nine.", id="heading"),
        pytest.param("It opens 10:30 daily", "It opens 10:30 daily.", id="time of day"),
        pytest.param(" \n", "", id="nothing"),
    ],
)
def test_what_is_kept(text, expected):
    """Statements before questions, no opening words, no heading."""
    assert expected == summarise(text)


def test_a_question_is_never_the_answer():
    """The statement that shares words with the question, not another question that shares more."""
    context = "Is the breakfast room on the ground floor? The breakfast room is on floor two."

    assert (
        best_answer("Which floor is the breakfast room on, the ground floor?", context) == "The breakfast room is on floor two."
    )


@given(st.text())
def test_any_text_has_a_summary(text):
    """Whatever the text: something of it comes back wherever there is something, and the same twice."""
    assert bool(summarise(text)) == bool(text.strip())
    assert summarise(text) == summarise(text)
