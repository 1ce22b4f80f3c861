"""Answers an ``Ask``: decides what to say, then stops where the request says. Deterministic; knows no dialect.

In order of precedence: a tool call that fits, JSON where a schema asks, what a tool's result says, an exact echo
(``Say: …``), counting (``Count to 20``), a text of a given length (``Write 50 words``), a summary, a greeting, a sentence
of the context that answers the question, and else the request restated.
"""

import json
import re
from collections.abc import Callable

from msgspec.structs import replace

from gateway.sandbox.conversation import Answer, Ask, Turn
from gateway.sandbox.replies.calls import chosen
from gateway.sandbox.replies.instances import instance
from gateway.sandbox.replies.offers import written
from gateway.sandbox.replies.summary import best_answer, summarise
from gateway.sandbox.replies.words import keywords, sentences
from gateway.sandbox.tokens import count, pieces

_TOKENS_PER_IMAGE = 170


def answer(ask: Ask, *, lead: str = "") -> Answer:
    """The reply to one request.

    Args:
        lead: What the family's replies begin with, such as a line break.
    """
    if ask.thinking:
        return _thoughtful(ask, lead)
    input_tokens = max(1, count(ask.prompt) + _TOKENS_PER_IMAGE * ask.images)
    last = _last(ask)
    call = chosen(ask, last.text, has_result=last.role == "tool")
    if call:
        call_pieces = tuple(pieces(written(call, ask.calls_as).removeprefix(ask.begun)))
        if ask.calls_as and (ask.begun or len(call_pieces) <= ask.max_tokens):
            return _ended("".join(call_pieces), ask, input_tokens)
        if len(call_pieces) <= ask.max_tokens:
            return Answer((), "tool", input_tokens, call=call, call_pieces=call_pieces)
    text = _schema_text(ask, last.text) if ask.schema is not None else lead + _prose(ask, last)
    return _ended(text, ask, input_tokens)


def _thoughtful(ask: Ask, lead: str) -> Answer:
    """The answer to the same request without thinking, in what the thought leaves of the ceiling."""
    about = list(dict.fromkeys(keywords(_last(ask).text)))[:4]
    thought = tuple(pieces(f"This is about {', '.join(about) or 'nothing in particular'}. Let me answer.")[: ask.thinking])
    rest = replace(ask, thinking=0, max_tokens=max(1, ask.max_tokens - len(thought)))
    return replace(answer(rest, lead=lead), thought=thought)


def _last(ask: Ask) -> Turn:
    """The last turn that is not the model's own."""
    return next((turn for turn in reversed(ask.turns) if turn.role in {"user", "tool"}), Turn("user", ""))


def _schema_text(ask: Ask, text: str) -> str:
    schema = ask.schema or {}
    value = instance(schema, text)
    if value == {} and not schema.get("properties"):
        value = {"answer": _prose(ask, Turn("user", text))}
    only_strings = all(isinstance(one, str) for one in schema.get("enum", (None,)))
    return value if only_strings and isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _ended(text: str, ask: Ask, input_tokens: int) -> Answer:
    """Cut at the earliest stop sequence, then at the ceiling."""
    hits = [(position, stop) for stop in ask.stop if stop and (position := text.find(stop)) >= 0]
    position, stopped_by = min(hits, default=(len(text), None))
    told = pieces(text[:position])
    if len(told) > ask.max_tokens:
        return Answer(tuple(told[: ask.max_tokens]), "length", input_tokens)
    return Answer(tuple(told), "stop_sequence" if stopped_by else "stop", input_tokens, stopped_by=stopped_by)


_ECHO = re.compile(
    r"(?:^|\n)\s*(?:please )?(?:say|repeat|echo)(?: after me| exactly| this)*\s*:\s*(.+)\Z", re.IGNORECASE | re.DOTALL
)
_COUNT = re.compile(r"\bcount (?:from 1 )?to (\d{1,5})\b", re.IGNORECASE)
_LENGTH = re.compile(r"\bwrite (?:about |exactly )?(\d{1,5}) words\b", re.IGNORECASE)
_SUMMARISE = re.compile(r"\b(?:summari[sz]e|summary|tl;?dr)\b", re.IGNORECASE)
_INSTRUCTION = re.compile(rf"[^.!?:\n]*{_SUMMARISE.pattern}[^.!?:\n]*[.!?:]?", re.IGNORECASE)
_GREETING = re.compile(r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b[\w ,!.]{0,20}$", re.IGNORECASE)
_THANKS = re.compile(r"^\W*(?:thanks|thank you|cheers)\b", re.IGNORECASE)


def _prose(ask: Ask, last: Turn) -> str:
    if last.role == "tool":
        return f"According to the tool, {_plain(last.text)}"
    for pattern, say in _MANNERS:
        found = pattern.search(last.text)
        if found:
            return say(found, last.text)
    if any(_SUMMARISE.search(turn.text) for turn in ask.turns if turn.role == "system"):
        return summarise(last.text)
    return _from_context(ask, last.text) or _restated(last.text)


def _plain(text: str) -> str:
    """A tool's JSON as words: ``temperature 18, sky clear``; other text as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text.strip() or "there is nothing to report."
    if isinstance(value, str):  # Llama is shown results as JSON texts
        return _plain(value)
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')}: {member}" for key, member in value.items()) + "."
    return f"{value}."


def _counted(found: re.Match[str], _text: str) -> str:
    return ", ".join(str(number) for number in range(1, int(found.group(1)) + 1)) + "."


def _written(found: re.Match[str], text: str) -> str:
    """So many words about the request's own keywords."""
    subjects = [word for word in keywords(text) if not word.isdigit() and word not in {"write", "word"}] or ["quarry"]
    return " ".join(subjects[position % len(subjects)] for position in range(int(found.group(1)))) + "."


def _summary(_found: re.Match[str], text: str) -> str:
    """The summary of everything but the instruction itself, wherever it stands."""
    return summarise(_INSTRUCTION.sub("", text).strip() or text)


def _greeted(_found: re.Match[str], _text: str) -> str:
    return "Hello! How can I help you today?"


def _thanked(_found: re.Match[str], _text: str) -> str:
    return "You are welcome. Is there anything else that I can do for you?"


_MANNERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], str]], ...] = (
    (_ECHO, lambda found, _text: found.group(1).strip()),
    (_COUNT, _counted),
    (_LENGTH, _written),
    (_SUMMARISE, _summary),
    (_GREETING, _greeted),
    (_THANKS, _thanked),
)


def _from_context(ask: Ask, text: str) -> str | None:
    """A sentence said before the question, in this turn or in earlier ones, that answers it."""
    found = sentences(text)
    if not found:
        return None
    context = "\n".join([*(turn.text for turn in ask.turns if turn.role in {"user", "tool"} and turn.text != text), *found[:-1]])
    return best_answer(found[-1], context)


def _restated(text: str) -> str:
    about = list(dict.fromkeys(keywords(text)))[:6]
    if not about:
        return "I am listening. What would you like to know?"
    subject = about[0] if len(about) == 1 else f"{', '.join(about[:-1])} and {about[-1]}"
    return f"You ask about {subject}. Here is a short answer: it depends on your case, so tell me a little more and I will help you further."
