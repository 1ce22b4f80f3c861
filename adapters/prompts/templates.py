"""The built-in chat templates by name: how a conversation becomes the prompt that a model was trained on.

A target of the configuration may name one, where the model is of another kind than its family's usual. The template that a
model brought itself is not among them; a prompt that was written from it arrives written. Knows no native body.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from adapters.chat import ChatRequest, Message, ToolChoice
from adapters.errors import UnsupportedContent, UnsupportedParameter
from adapters.prompts import chatml, granite, llama, tools, turns

_NOTHING = turns.Guard((), re.compile("(?!)"))  # bare text has no control tokens to guard


class Template(NamedTuple):
    """One of them.

    Attributes:
        write: The whole prompt of a request.
        begun: The beginning of a call that the model is made to go on with; ``None``: the template has no place for tools.
        images: Whether it has a place for images.
    """

    write: Callable[[ChatRequest], str]
    begun: Callable[[ToolChoice], str] | None = None
    images: bool = False


def plain(messages: Sequence[Message]) -> str:
    """Instructions, questions and answers as they are, an empty line between: for models that were trained on bare text (Flan)."""
    over, begins = turns.opened(turns.turns(messages, _NOTHING))
    return "\n\n".join(text for text in (*(turn.text for turn in over), begins) if text)


def _of_text(write: Callable[[Sequence[Message]], str]) -> Template:
    return Template(lambda request: write(request.messages))


TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        "llama2": _of_text(turns.llama2),
        "llama3": Template(llama.llama3, llama.begun_json, images=True),
        "llama3_pythonic": Template(llama.llama3_pythonic, llama.begun_pythonic, images=True),
        "chatml": Template(chatml.chatml, chatml.begun),
        "mistral": _of_text(turns.mistral),
        "granite": Template(granite.granite, granite.begun),
        "plain": _of_text(plain),
    }
)


def begun(request: ChatRequest, template: Template) -> str:
    """What the answer begins with because the caller demands a call; ``""`` where it does not.

    Raises:
        UnsupportedParameter: The prompt has been written already, by somebody who knew nothing of the demand.
        UnsupportedContent: The assistant has begun its answer, and would have to go on with a call.
    """
    choice = tools.forced(request)
    if choice is None or template.begun is None:
        return ""
    _refuse_begun_answer(request)
    if request.prompt is not None and not request.prompt.endswith(template.begun(choice)):
        raise UnsupportedParameter(
            f'tool_choice "{choice.mode}" cannot be honoured in a prompt that is already written', parameter="tool_choice"
        )
    return template.begun(choice)


def _refuse_begun_answer(request: ChatRequest) -> None:
    last = request.messages[-1] if request.messages else None
    if last is not None and last.role == "assistant" and last.text.strip():
        place = f"messages[{len(request.messages) - 1}]"
        raise UnsupportedContent(
            f"{place} is the assistant's, and its words cannot be carried on with a call, which tool_choice or response_format "
            "demands: end with the user's turn, or demand none",
            parameter=place,
        )


def prompt(request: ChatRequest, template: Template) -> str:
    """The whole prompt: as it stands where it has been written, else by the template, with what the answer has to begin with.

    Raises:
        UnsupportedParameter: See ``begun``.
        UnsupportedContent: A tool's answer or a call, in a template that has no place for one; a call that is the last word.
    """
    beginning = begun(request, template)
    return template.write(request) + beginning if request.prompt is None else request.prompt
