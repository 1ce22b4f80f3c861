"""Extractive summaries and answers: the sentences of a text that say most. Pure and deterministic."""

import re
from collections import Counter

from gateway.sandbox.replies.words import keywords, sentences

_SPEAKER = re.compile(r"^#?\w[\w ]{0,20}#?:\s*")
_WANTED = 3


def summarise(text: str, *, most: int = _WANTED) -> str:
    """One to ``most`` sentences of the text, those whose words are the most frequent in it, in their own order.

    A third of the sentences is kept, rounded up. A text of no sentence gives the text.
    """
    found = sentences(text)
    if not found:
        return text.strip()
    frequency = Counter(keywords(text))
    scores = [_score(sentence, frequency) for sentence in found]
    kept = min(most, (len(found) + 2) // 3)
    best = sorted(sorted(range(len(found)), key=lambda index: -scores[index])[:kept])
    return " ".join(_closed(_SPEAKER.sub("", found[index])) for index in best)


def _score(sentence: str, frequency: Counter[str]) -> float:
    """Mean frequency of its keywords, so that length alone does not win; very short sentences say little."""
    found = set(keywords(_SPEAKER.sub("", sentence)))
    return sum(frequency[word] for word in found) / (len(found) + 3)


def _closed(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else sentence + "."


def best_answer(question: str, context: str) -> str | None:
    """The sentence of the context that shares most words with the question; ``None`` when none shares two."""
    asked = set(keywords(question))
    found = [(len(asked & set(keywords(sentence))), sentence) for sentence in sentences(context)]
    shared, sentence = max(found, key=lambda pair: pair[0], default=(0, ""))
    return _closed(_SPEAKER.sub("", sentence)) if shared >= 2 else None
