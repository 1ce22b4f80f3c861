"""The built-in chat templates by name: how a conversation becomes the prompt that a model was trained on.

A target of the configuration may name one, where the model is of another kind than its family's usual. The template that a
model brought itself is not among them; a prompt that was written from it arrives written. Knows no native body.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from adapters.chat import ChatRequest, Message, ToolChoice
from adapters.errors import UnsupportedParameter
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
    return "\n\n".join(turn.text for turn in turns.turns(messages, _NOTHING) if turn.text)


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
    """
    choice = tools.forced(request)
    if choice is None or template.begun is None:
        return ""
    if request.prompt is not None and not request.prompt.endswith(template.begun(choice)):
        raise UnsupportedParameter(
            f'tool_choice "{choice.mode}" cannot be honoured in a prompt that is already written', parameter="tool_choice"
        )
    return template.begun(choice)


def prompt(request: ChatRequest, template: Template) -> str:
    """The whole prompt: as it stands where it has been written, else by the template, with what the answer has to begin with.

    Raises:
        UnsupportedParameter: See ``begun``.
        UnsupportedContent: A tool's answer or a call, in a template that has no place for one.
    """
    beginning = begun(request, template)
    return template.write(request) + beginning if request.prompt is None else request.prompt
