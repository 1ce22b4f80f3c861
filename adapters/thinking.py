"""Thoughts out of generated text, for models that think aloud at the head of their answer. Knows deltas, no native body.

    tags       <think>…</think>answer (Qwen 3, distillates of DeepSeek-R1), <reasoning>…</reasoning>answer (gpt-oss)
    harmony    <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>answer<|return|>
    bare       analysisThe user…assistantfinalThe answer: harmony whose tokens a server has swallowed

Only the head of a reply is looked at: a tag in the middle of an answer is part of it. White space around thoughts goes.
Once a reply is known not to begin so, the reader steps out of the way: it costs nothing more per chunk.

Source: chat templates of Qwen 3 and DeepSeek-R1; Amazon Bedrock user guide, model-parameters-openai; OpenAI's harmony
format; vllm-project/vllm, reasoning parsers; all read 2026-11-23.
"""

import re
from collections.abc import Callable

from adapters.chat import ChatRequest
from adapters.deltas import Delta, Finish, Reasoning, Text, Usage
from adapters.stopping import Counting

_TAGS = {"<think>": "</think>", "<reasoning>": "</reasoning>"}
_CHANNELS = ("<|channel|>", "<|start|>assistant<|channel|>")
_BARE = re.compile(r"analysis(?=[^\W\da-z_])")  # glued to the next word, as no prose is
_BARE_OPENING, _BARE_CLOSING = "analysis", "assistantfinal"
_OPENINGS = (*_TAGS, *_CHANNELS, _BARE_OPENING)
_INITIALS = {"", *(opening[0] for opening in _OPENINGS)}
_MESSAGE = "<|message|>"
_LONGEST_HEADER = 200


def _marks(*marks: str) -> re.Pattern[str]:
    """One of the marks; or, where the text ends, what may still become one, with the white space before it."""
    begun = "|".join(re.escape(mark[:length]) for mark in marks for length in range(len(mark) - 1, 0, -1))
    return re.compile(rf"\s*(?:({'|'.join(map(re.escape, marks))})|(?:{begun})?\Z)")


_CLOSINGS = {closing: _marks(closing) for closing in (*_TAGS.values(), _BARE_CLOSING)}
_ENDS = _marks("<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>")


def thinking(reader: Counting, request: ChatRequest) -> Counting:
    """A reader that tells thoughts as such; the reader itself where the caller wrote the raw prompt, and reads the raw text."""
    return reader if _is_raw(request) else ThinkingReader(reader, request)


def thought(deltas: list[Delta], request: ChatRequest) -> list[Delta]:
    """A whole reply, its thoughts told as such."""
    return deltas if _is_raw(request) or _has_none(deltas, request) else Thoughts(request).through(deltas)


def _has_none(deltas: list[Delta], request: ChatRequest) -> bool:
    """Whether the first letter already tells that the answer begins with no thought: nearly every reply."""
    first = next((delta.text for delta in deltas if type(delta) is Text), "")
    return request.prompt is None and first.lstrip()[:1] not in _INITIALS


def _is_raw(request: ChatRequest) -> bool:
    """Whether the prompt is what the caller sent, to the letter, and no template has been at it."""
    return request.prompt is not None and len(request.messages) == 1 and request.prompt == request.messages[0].text


class Thoughts:
    """Lets deltas through, and makes reasoning of the text that is.

    Attributes:
        over: True once no thought can come any more.
    """

    __slots__ = ("_closing", "_held", "_said", "_step", "over")

    def __init__(self, request: ChatRequest) -> None:
        self.over = False
        self._held = ""
        self._said: list[Delta] = []
        self._closing = _CLOSINGS["</think>"]
        # Some templates open the thought themselves: the model goes on inside it.
        inside = request.prompt is not None and request.prompt.rstrip().endswith("<think>")
        self._step: Callable[[bool], bool] = self._opened if inside else self._head

    def through(self, deltas: list[Delta]) -> list[Delta]:
        """What the caller may see of these."""
        if self.over:
            return deltas
        passed: list[Delta] = []
        for delta in deltas:
            match delta:
                case Text():
                    passed += self._take(delta.text, final=False)
                case Finish():
                    passed += self._take("", final=True)
                    passed.append(delta)
                case _:
                    passed.append(delta)
        return passed

    def _take(self, text: str, *, final: bool) -> list[Delta]:
        """Step by step, as long as a step makes something of what is held."""
        self._held += text
        self._said = []
        while self._held and self._step(final):
            pass
        return self._said

    def _head(self, final: bool) -> bool:
        """Whether the reply begins with a thought."""
        head = self._held.lstrip()
        if not final and any(opening.startswith(head) for opening in _OPENINGS):
            return False
        for tag, closing in _TAGS.items():
            if head.startswith(tag):
                return self._open(head[len(tag) :], closing)
        if _BARE.match(head):
            return self._open(head[len(_BARE_OPENING) :], _BARE_CLOSING)
        if head.startswith(_CHANNELS):
            self._held, self._step = head, self._header
            return True
        return self._answer(final)

    def _open(self, rest: str, closing: str) -> bool:
        self._held, self._closing, self._step = rest, _CLOSINGS[closing], self._opened
        return True

    def _opened(self, _final: bool) -> bool:
        self._held = self._held.lstrip()
        if self._held:
            self._step = self._thought
        return bool(self._held)

    def _thought(self, final: bool) -> bool:
        return self._until(self._closing, Reasoning, self._closed, final=final)

    def _closed(self, _final: bool) -> bool:
        """Between the thought and the answer."""
        self._held = self._held.lstrip()
        if self._held:
            self._step = self._answer
        return bool(self._held)

    def _answer(self, _final: bool) -> bool:
        """The answer itself; nothing is looked for in it any more."""
        self._said.append(Text(self._held))
        self._held = ""
        self.over = True
        return False

    def _header(self, final: bool) -> bool:
        """What harmony says of a message before it."""
        place = self._held.find(_MESSAGE)
        if place < 0 and len(self._held) < _LONGEST_HEADER + len(_MESSAGE) and not final:
            return False
        if place < 0 or place > _LONGEST_HEADER:
            return self._answer(final)
        header = self._held[:place]
        if " to=" in header:  # a call, which others look for
            self._held = self._held[max(0, header.find("<|channel|>")) :]
            return self._answer(final)
        self._step = self._analysis if "analysis" in header else self._final
        self._held = self._held[place + len(_MESSAGE) :]
        return True

    def _analysis(self, final: bool) -> bool:
        return self._until(_ENDS, Reasoning, self._between, final=final)

    def _final(self, final: bool) -> bool:
        return self._until(_ENDS, Text, self._between, final=final)

    def _between(self, _final: bool) -> bool:
        """Between two messages of harmony's."""
        self._held = self._held.lstrip()
        if self._held:
            self._step = self._header
        return bool(self._held)

    def _until(
        self, marks: re.Pattern[str], kind: type[Text | Reasoning], following: Callable[[bool], bool], *, final: bool
    ) -> bool:
        """Say what is certain to stand before a mark, and pass the mark if it has come."""
        found = marks.search(self._held)
        passed = found is not None and found[1] is not None
        place = len(self._held) if found is None or (final and not passed) else found.start()
        if place:
            self._said.append(kind(self._held[:place]))
        self._held = self._held[found.end() if found and passed else place :]
        if passed:
            self._step = following
        return passed


class ThinkingReader:
    """Reads one streamed reply and tells its thoughts as such; once they are over, ``read`` is the inner reader's own."""

    __slots__ = ("_reader", "_thoughts", "read")

    def __init__(self, reader: Counting, request: ChatRequest) -> None:
        self._reader = reader
        self._thoughts = Thoughts(request)
        self.read = self._read

    @property
    def cut(self) -> bool:
        """See ``adapters.family.Reader``."""
        return self._reader.cut

    def end(self) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        return self._thoughts.through(self._reader.end())

    def counted(self) -> Usage | None:
        """See ``adapters.stopping.Counting``."""
        return self._reader.counted()

    def _read(self, chunk: bytes) -> list[Delta]:
        passed = self._thoughts.through(self._reader.read(chunk))
        if self._thoughts.over:
            self.read = self._reader.read
        return passed
