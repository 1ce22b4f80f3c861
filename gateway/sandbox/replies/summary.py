"""Extractive summaries and answers: the statements of a text that say most. Pure and deterministic."""

import re
from collections import Counter
from itertools import groupby
from typing import NamedTuple

from gateway.sandbox.replies.words import keywords, sentences

_WANTED = 4
_SPEAKER = re.compile(r"(#?\w[\w ]{0,20}#?):\s+(?=\S)")
_OPENING = re.compile(
    r"(?:(?:yes|no|well|oh|ah|sure|okay|ok|hi|hello|hey|thanks|thank you|of course|good (?:morning|afternoon|evening))[,:!] )+",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"(?:hi|hello|hey|welcome|thanks|thank you|good (?:morning|afternoon|evening|night)|goodbye|bye|please|sorry"
    r"|you are welcome|my pleasure|perfect|wonderful|great|let me)\b",
    re.IGNORECASE,
)
# What begins so leans on the sentence before it: "From six until ten", "That is right".
_LEANING = frozenset(
    ["and", "at", "because", "but", "for", "from", "he", "in", "it", "on", "or", "she", "so", "that", "they", "this"]
)


class _Said(NamedTuple):
    """One sentence, and who said it; ``""`` where the text does not tell."""

    speaker: str
    sentence: str


def summarise(text: str, *, most: int = _WANTED) -> str:
    """One to ``most`` statements of the text, those whose words are the most frequent in it, in their own order.

    A third of the sentences is kept, rounded up; questions, greetings and thanks only where there is nothing else. In a
    dialogue all speakers have a word, where there is room, and each of their turns is a line that begins
    with the speaker. A text of no sentence gives the text.
    """
    everything = _said(text)
    if not everything:
        return text.strip()
    kept = min(most, (len(everything) + 2) // 3)
    found = [said for said in everything if _is_statement(said.sentence)] or everything
    frequency = Counter(keywords(" ".join(said.sentence for said in everything)))
    best = sorted(range(len(found)), key=lambda index: -_score(found[index].sentence, frequency))
    first = list({found[index].speaker: index for index in reversed(best)}.values())  # everybody's best
    chosen = [*first, *(index for index in best if index not in first)] if len(first) <= kept else best
    return _told([found[index] for index in sorted(chosen[:kept])])


def best_answer(question: str, context: str) -> str | None:
    """The statement of the context that shares most words with the question; ``None`` when none shares two."""
    asked = set(keywords(question))
    statements = [said.sentence for said in _said(context) if not said.sentence.endswith("?")]
    found = [(len(asked & set(keywords(sentence))), sentence) for sentence in statements]
    shared, sentence = max(found, key=lambda pair: pair[0], default=(0, ""))
    return _closed(sentence) if shared >= 2 else None


def _said(text: str) -> list[_Said]:
    """The sentences in order. Two different names before colons make a dialogue; a single one is only a heading."""
    found: list[_Said] = []
    for line in text.splitlines():
        label = _SPEAKER.match(line.strip())
        speaker, words = (label.group(1), line.strip()[label.end() :]) if label else ("", line)
        found += [_Said(speaker, sentence) for sentence in sentences(words)]
    if len({said.speaker for said in found} - {""}) < 2:
        return [_Said("", said.sentence) for said in found]
    return found


def _is_statement(sentence: str) -> bool:
    bare = _OPENING.sub("", sentence)
    return not sentence.endswith("?") and _POLITE.match(bare) is None and len(keywords(bare)) > 1


def _score(sentence: str, frequency: Counter[str]) -> float:
    """Mean frequency of its keywords, so that length alone does not win; very short sentences say little."""
    found = set(keywords(sentence))
    score = sum(frequency[word] for word in found) / (len(found) + 3)
    return score / 2 if sentence.partition(" ")[0].lower() in _LEANING else score


def _told(chosen: list[_Said]) -> str:
    turns = []
    for speaker, said in groupby(chosen, key=lambda one: one.speaker):
        spoken = " ".join(_closed(_opened(one.sentence)) for one in said)
        turns.append(f"{speaker}: {spoken}" if speaker else spoken)
    return "\n".join(turns)


def _opened(sentence: str) -> str:
    """Without the "Yes," or "Hello," that only answered somebody."""
    bare = _OPENING.sub("", sentence)
    return bare[:1].upper() + bare[1:] if bare != sentence else sentence


def _closed(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else sentence + "."
