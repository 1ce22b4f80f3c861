"""Chat into one prompt string, for the models that read only that. Knows templates, and no family's body.

Every template here is the built-in one: what the base model was trained on, for want of the alias's own.

Control tokens inside a caller's text are neutralised: a space goes in where the model would have read a token
(``<|eot_id|>`` becomes ``< |eot_id|>``, a line ``User:`` becomes ``User :``). Everything that was visible stays
visible, and no turn can be forged. Each template has its own table of tokens; text of another template passes untouched.

Where the assistant has spoken last, its turn is left open and the model goes on with it: see ``opened``.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from adapters.chat import ChatRequest, Message
from adapters.errors import UnsupportedContent


class Turn(NamedTuple):
    """Neighbouring messages of one role, joined by an empty line; control tokens already neutralised.

    Attributes:
        role: As the template calls it.
        alone: It is not joined with a neighbour of its role, as calls are not.
    """

    role: str
    text: str
    alone: bool = False


class Guard(NamedTuple):
    """What must not be read as a control token.

    Attributes:
        marks: Plain strings, one of which stands in every text that could match: a scan far cheaper than the pattern.
        pattern: Matches a whole token. The space goes behind its first group.
    """

    marks: tuple[str, ...]
    pattern: re.Pattern[str]


# Llama 3 and ChatML write every control token as <|word|>; the reserved ones are numbered, so the form is the table.
ANGLED = Guard(("<|",), re.compile(r"(<)(?=\|\w+\|>)"))
# Besides the angled ones: what stands around tools, a token each in the vocabularies of Qwen and Hermes, and a plain tag to look
# at. Whether the request has tools or not: the model knows them either way.
CHATML = Guard(("<|", "<tool", "</tool"), re.compile(r"(<)(?=\|\w+\|>|/?tool(?:s|_call|_response)>)"))
LLAMA2 = Guard(
    ("<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
    re.compile(r"(<)(?=/?s>|unk>|</?SYS>>)|(\[)(?=/?INST\])"),
)
# From <s>[INST] of the first tokenizer to the tool and image tokens of the later ones: an import may have any of them.
_MISTRAL_WORDS = (
    "INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|ARGS|CALL_ID|THINK|"
    "IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO|TRANSCRIBE|PREFIX|MIDDLE|SUFFIX"
)
MISTRAL = Guard(
    ("<s>", "</s>", "<unk>", "<pad>", "[/", *(f"[{word}]" for word in _MISTRAL_WORDS.split("|"))),
    re.compile(rf"(<)(?=/?s>|unk>|pad>)|(\[)(?=/?(?:{_MISTRAL_WORDS})\])"),
)
# Only a line's beginning opens a turn. Python calls more characters a line's end than a model may; so do we.
_LINE = r"(?<![^\n\r\v\f\x1c-\x1e\x85\u2028\u2029])[ \t]*"
LABELS = {
    "titan": Guard(("User:", "Bot:"), re.compile(rf"({_LINE}(?:User|Bot))(?=:)")),
    "cohere": Guard(("User:", "Chatbot:"), re.compile(rf"({_LINE}(?:User|Chatbot))(?=:)")),
}


def written(request: ChatRequest, template: Callable[[Sequence[Message]], str]) -> str:
    """The prompt as it stands where somebody has written it already, else the template over the messages."""
    return template(request.messages) if request.prompt is None else request.prompt


def neutralise(text: str, guard: Guard) -> str:
    """Put a space into whatever the template would read as a control token."""
    for mark in guard.marks:
        if mark in text:
            return guard.pattern.sub(_spaced, text)
    return text


def _spaced(match: re.Match[str]) -> str:
    return f"{match[0]} "


def turns(messages: Sequence[Message], guard: Guard) -> list[Turn]:
    """Neighbouring messages of one role become one turn; system messages stay where they stand.

    Raises:
        UnsupportedContent: A tool's answer, or an assistant's call: a prompt has no place for either.
    """
    return _merged(_said(messages, guard))


def _said(messages: Sequence[Message], guard: Guard) -> list[Turn]:
    said: list[Turn] = []
    for index, message in enumerate(messages):
        if message.role == "tool" or message.tool_calls:
            raise UnsupportedContent(
                f"messages[{index}] belongs to a tool call, and this model's prompt has no place for one",
                parameter=f"messages[{index}]",
            )
        said.append(Turn(message.role, neutralise(message.text, guard)))
    return said


def _merged(said: Iterable[Turn]) -> list[Turn]:
    joined: list[Turn] = []
    for turn in said:
        if joined and joined[-1].role == turn.role:
            joined[-1] = Turn(turn.role, f"{joined[-1].text}\n\n{turn.text}")
        else:
            joined.append(turn)
    return joined


def opened(said: Sequence[Turn]) -> tuple[Sequence[Turn], str]:
    """The turns that are over, and what the assistant's open one begins with: its own last words, else nothing.

    White space at their end is left out: a model's tokens begin with it, and it goes on badly behind one that it did not write.
    """
    if said and said[-1].role == "assistant":
        return said[:-1], said[-1].text.rstrip()
    return said, ""


def refuse_open_calls(messages: Sequence[Message]) -> None:
    """Refuse a conversation that ends with a call: there is nothing to go on with before its result has come.

    Raises:
        UnsupportedContent: The last turn holds a call, named by the place of its message.
    """
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message.role not in {"assistant", "system"}:
            return
        if message.tool_calls:
            place = f"messages[{index}]"
            raise UnsupportedContent(
                f"{place} calls a tool, and a call cannot be carried on: send the tool's result after it, or leave the call out",
                parameter=place,
            )


def titan(messages: Sequence[Message]) -> str:
    r"""``User: …\nBot: …`` with the instructions in front, ending in an open ``Bot:``.

    Source: Amazon Bedrock user guide, model-parameters-titan-text, read 2026-11-22.
    """
    return _labelled(turns(messages, LABELS["titan"]), user="User", assistant="Bot")


def cohere(messages: Sequence[Message]) -> str:
    """A lone user message is the prompt itself, as Command is trained on; only a conversation is labelled."""
    joined = turns(messages, LABELS["cohere"])
    if len(joined) == 1 and joined[0].role == "user":
        # Nothing is labelled, so no label can be forged: the text goes out as it came in.
        text = "\n\n".join(message.text for message in messages)
        if not text.strip():
            raise _empty("messages[0]")
        return text
    return _labelled(joined, user="User", assistant="Chatbot")


def llama2(messages: Sequence[Message]) -> str:
    """``<s>[INST] <<SYS>> … <</SYS>> … [/INST] … </s>``.

    The template knows one system text, inside the first instruction, and strict alternation from a user on: all system
    messages are joined in order, and where a user's turn is missing an empty instruction stands for it.

    Source: the chat template of Llama 2's tokenizer; recorded Bedrock requests of openllmetry, read 2026-11-22.
    """
    system, exchanges = _exchanges(_said(messages, LLAMA2))
    opening = f"<<SYS>>\n{system}\n<</SYS>>\n\n" if system else ""
    prompt: list[str] = []
    for asked, answered in exchanges:
        prompt.append(f"<s>[INST] {opening}{asked.strip()} [/INST]{_behind(answered.strip())}")
        opening = ""
    return " </s>".join(prompt)


def mistral(messages: Sequence[Message]) -> str:
    """``<s>[INST] … [/INST] …</s> [INST] … [/INST]``, the system text and an empty line at the head of the first instruction.

    The template knows no system role, and strict alternation from a user on: see ``llama2`` for what is made of the rest.
    A user's text stands as it is, an answer is stripped.

    Source: Amazon Bedrock user guide, model-parameters-mistral-text-completion, for the spaces and the one ``<s>``;
    Mistral's cookbook, tokenization, template V1 (7B Instruct v0.2, Mixtral 8x7B), for the system text; read 2026-11-27.
    """
    system, exchanges = _exchanges(_said(messages, MISTRAL))
    prompt: list[str] = []
    for asked, answered in exchanges:
        instruction = "\n\n".join(text for text in (system, asked) if text)
        prompt.append(f"[INST] {instruction} [/INST]{_behind(answered.strip())}")
        system = ""
    return f"<s>{'</s> '.join(prompt)}"


def _exchanges(said: Sequence[Turn]) -> tuple[str, list[tuple[str, str]]]:
    """The system messages joined in order, and what was asked and answered in pairs.

    The last question has no answer yet, or one to be carried on; where a user's turn is missing an empty one stands for it.
    """
    asked = ""
    pairs: list[tuple[str, str]] = []
    over, begins = opened(_merged(turn for turn in said if turn.role != "system"))
    for turn in over:
        if turn.role == "user":
            asked = turn.text
        else:
            pairs.append((asked, turn.text))
            asked = ""
    return "\n\n".join(turn.text for turn in said if turn.role == "system"), [*pairs, (asked, begins)]


def _behind(text: str) -> str:
    """The text a space behind what stands before it; nothing where there is none."""
    return f" {text}" if text else ""


def llama3(messages: Sequence[Message]) -> str:
    """A header, two newlines, the stripped text and ``<|eot_id|>`` per turn, ending in an open assistant header.

    Source: meta-llama/llama-models, text_prompt_format of Llama 3.1, read 2026-11-22.
    """
    over, begins = opened(turns(messages, ANGLED))
    body = "".join(f"<|start_header_id|>{turn.role}<|end_header_id|>\n\n{turn.text.strip()}<|eot_id|>" for turn in over)
    return f"<|begin_of_text|>{body}<|start_header_id|>assistant<|end_header_id|>\n\n{begins.lstrip()}"


def chatml(messages: Sequence[Message]) -> str:
    r"""``<|im_start|>role\n…<|im_end|>`` per turn, ending in an open assistant turn.

    Source: the chat template of Qwen 2.5's tokenizer, read 2026-11-22.
    """
    over, begins = opened(turns(messages, CHATML))
    body = "".join(f"<|im_start|>{turn.role}\n{turn.text}<|im_end|>\n" for turn in over)
    return f"{body}<|im_start|>assistant\n{begins}"


def _labelled(joined: Sequence[Turn], *, user: str, assistant: str) -> str:
    if not any(turn.text.strip() for turn in joined):
        raise _empty("messages[0]")
    lines: list[str] = []
    over, begins = opened(joined)
    for turn in over:
        match turn.role:
            case "user":
                lines.append(f"{user}: {turn.text}\n")
            case "assistant":
                lines.append(f"{assistant}: {turn.text}\n")
            case _:
                lines.append(f"{turn.text}\n\n")
    return f"{''.join(lines)}{assistant}:{_behind(begins.lstrip())}"


def _empty(place: str) -> UnsupportedContent:
    return UnsupportedContent(f"{place} is empty, and the model reads no empty prompt: write some text into it", parameter=place)
