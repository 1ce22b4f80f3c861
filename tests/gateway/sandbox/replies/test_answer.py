"""What the models say: sensible, deterministic, and never longer than asked."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.conversation import Ask, Tool, Turn
from gateway.sandbox.replies.answer import answer
from gateway.sandbox.replies.words import sentences
from gateway.sandbox.tokens import count, pieces

DIALOGUE = """Summarize the following conversation.

#Person1#: Hello, I have a problem with my washing machine.
#Person2#: What is wrong with the washing machine?
#Person1#: The washing machine leaks water from the door when it spins.
#Person2#: We can send an engineer to look at the washing machine on Monday.
#Person1#: Monday is good. Thank you."""

WEATHER = Tool(
    "get_current_weather",
    "Get the current weather in a given location",
    {
        "type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["location"],
    },
)
ORDER = Tool(
    "lookup_order",
    "Find an order of a customer",
    {"type": "object", "properties": {"order_number": {"type": "integer"}}, "required": ["order_number"]},
)


def ask(text, **fields):
    fields.setdefault("max_tokens", 500)
    return Ask((Turn("user", text),), text, **fields)


def said(text, **fields):
    return answer(ask(text, **fields)).text


def test_summary_is_made_of_the_dialogues_own_sentences():
    """An extractive summary: shorter than the dialogue, from it, about its subject, in its order."""
    summary = said(DIALOGUE)

    assert "washing machine" in summary
    assert count(summary) < count(DIALOGUE) / 2
    assert all(re.sub(r"^#Person[12]#: ", "", sentence) in DIALOGUE for sentence in sentences(summary))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi!", "Hello! How can I help you today?"),
        ("Good morning, team", "Hello! How can I help you today?"),
        ("Say: the exact words, please", "the exact words, please"),
        ("Count to 5", "1, 2, 3, 4, 5."),
        ("Write 4 words about sand dunes", "sand dune sand dune."),
        (
            "Our office opens at nine on weekdays. The parking garage closes at ten. When does the garage close?",
            "The parking garage closes at ten.",
        ),
        ("Summarise: The cat sat on the mat. The mat was red.", "The cat sat on the mat."),
        ("The cat sat on the mat. The mat was red.\n\nSummary:", "The cat sat on the mat."),
        ("", "I am listening. What would you like to know?"),
    ],
)
def test_sensible_replies(text, expected):
    """Greetings are greeted, echoes echoed, counts counted, questions over a context answered from it."""
    assert expected == said(text)


def test_tool_that_fits_is_called_with_arguments_from_the_text():
    """Name and arguments follow the question."""
    weather = answer(ask("What is the weather like in San Francisco, in fahrenheit?", tools=(ORDER, WEATHER)))
    order = answer(ask("Where is my order 4711?", tools=(WEATHER, ORDER)))

    assert (weather.end, weather.call.name) == ("tool", "get_current_weather")
    assert weather.call.arguments == {"location": "San Francisco", "unit": "fahrenheit"}
    assert (order.call.name, order.call.arguments) == ("lookup_order", {"order_number": 4711})
    assert json.loads("".join(weather.call_pieces)) == weather.call.arguments


def test_tool_that_does_not_fit_is_not_called():
    """A greeting calls nothing, and neither does a question about something else."""
    assert answer(ask("Hello!", tools=(WEATHER, ORDER))).call is None
    assert answer(ask("Who wrote the Iliad?", tools=(WEATHER, ORDER))).call is None


def test_tool_choice_is_obeyed():
    """``any`` calls some tool, a name that one, ``none`` nothing."""
    question = "What is the weather in Rome?"

    assert answer(ask("Hello!", tools=(WEATHER, ORDER), tool_choice="any")).call is not None
    assert answer(ask(question, tools=(WEATHER, ORDER), tool_choice="lookup_order")).call.name == "lookup_order"
    assert answer(ask(question, tools=(WEATHER, ORDER), tool_choice="none")).call is None


def test_a_tools_result_is_told_and_no_tool_called_again():
    """After the result comes an answer that holds it."""
    turns = (Turn("user", "Weather in Rome?"), Turn("tool", '{"temperature": 18, "sky": "clear"}'))
    told = answer(Ask(turns, "", 100, tools=(WEATHER,)))

    assert told.end == "stop"
    assert "temperature: 18" in told.text


def test_earliest_stop_sequence_ends_the_reply():
    """Whichever text comes first; it is named and left out."""
    told = answer(ask("Count to 9", stop=("7", "4", "")))

    assert (told.text, told.end, told.stopped_by) == ("1, 2, 3, ", "stop_sequence", "4")


@pytest.mark.parametrize("most", [1, 2, 7])
def test_ceiling_is_exact(most):
    """A reply that is too long has exactly the tokens allowed."""
    told = answer(ask("Count to 99", max_tokens=most))

    assert (told.output_tokens, told.end) == (most, "length")


def test_call_that_does_not_fit_the_ceiling_is_not_made():
    """Half a call would be no call."""
    told = answer(ask("Weather in Rome?", tools=(WEATHER,), max_tokens=3))

    assert told.call is None
    assert told.end == "length"


@given(st.text())
def test_pieces_join_to_the_text(text):
    """Counting loses nothing, whatever the text."""
    assert text == "".join(pieces(text))


@given(st.text(), st.integers(1, 50))
def test_never_longer_than_asked_and_always_the_same(text, most):
    """Any text at all is answered within the ceiling, twice alike."""
    told = answer(ask(text, max_tokens=most))

    assert told.output_tokens <= most
    assert told == answer(ask(text, max_tokens=most))
