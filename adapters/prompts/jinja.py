"""What a chat template may see and do: Hugging Face's rules for Jinja, and a bound on how much it writes.

A template is a stranger's program. Jinja's immutable sandbox keeps it from Python's insides; nothing here keeps it from
running for ever or from filling the memory. So it is run in a process that can be killed, which is not known here.

Source: transformers 5.24, utils/chat_template_utils.py, read 2026-11-22; it is the judge in tests/referees/test_chat_templates.py.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.meta import find_undeclared_variables
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from adapters.chat import ChatRequest, Message, Text, ToolSpec
from adapters.errors import RequestRefused, UnsupportedContent, UnsupportedParameter
from adapters.prompts import conversation
from adapters.prompts.checkpoint import Checkpoint
from adapters.prompts.conversation import Controls, Form
from adapters.prompts.turns import refuse_open_calls

MOST_REASON_CHARACTERS = 300
# Whose words are about the template. Another's may be about this machine, as a file that could not be opened is.
_TOLD = (jinja2.TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


class Unusable(Exception):
    """The templates cannot be used at all; the message says why, to an operator."""


class TooLong(Exception):
    """A template wrote more than it was allowed to."""


class Writer:
    """Writes one model's prompts by its own templates.

    Args:
        checkpoint: What the model's files say.
        now: The clock of ``strftime_now``; local time, as in ``transformers``.

    Attributes:
        form: How the templates read a message's content.

    Raises:
        Unusable: A template is no template, or does not write down what it is given.
    """

    def __init__(self, checkpoint: Checkpoint, now: Callable[[], datetime]) -> None:
        self.checkpoint = checkpoint
        self._controls = Controls(checkpoint.special, checkpoint.added, checkpoint.templates.values())
        self._templates: dict[str, jinja2.Template] = {}
        self._reads: dict[str, set[str]] = {}
        for name, text in checkpoint.templates.items():
            environment = _environment(now)
            try:
                self._reads[name] = find_undeclared_variables(environment.parse(text))
                self._templates[name] = environment.from_string(text)
            except Exception as error:  # an operator's file: whatever is wrong with it
                raise Unusable(f"the template {name} cannot be read: {_reason(error)}") from error
        self.form: Form = self._form()

    def write(self, request: ChatRequest, *, most_characters: int) -> str:
        """The prompt of a request, ending where the answer begins, or where the assistant's last words end.

        Raises:
            RequestRefused: The template refuses this conversation, or has no place for something in it.
            TooLong: The prompt has more characters than allowed.
            Unusable: The template reaches out of its sandbox.
        """
        refuse_open_calls(request.messages)
        try:
            return self._written(request, self.form, most_characters)
        except UnsupportedContent:
            merged = conversation.merged(request)
            if len(merged.messages) == len(request.messages):
                raise
            return self._written(merged, self.form, most_characters)

    def _written(self, request: ChatRequest, form: Form, most_characters: int) -> str:
        tools = conversation.tools(request, self._controls)
        documents = conversation.documents(request, self._controls)
        name = self.checkpoint.template(tools=tools is not None)
        if name not in self._templates:
            raise UnsupportedContent(
                "the model's chat template is for requests with tools, and this one has none", parameter="tools"
            )
        for said, variable in ((tools, "tools"), (documents, "documents")):
            if said is not None and variable not in self._reads[name]:
                raise UnsupportedParameter(f"the model's chat template has no place for {variable}", parameter=variable)
        said = conversation.messages(request, self._controls, form)
        carried_on = conversation.marked(said)
        variables = {
            **self.checkpoint.tokens,
            "messages": said if carried_on is None else carried_on,
            "tools": tools,
            "documents": documents,
            "add_generation_prompt": carried_on is None,
        }
        written = "".join(_bounded(_pieces(self._templates[name], variables), most_characters))
        return written if carried_on is None else _cut(written)

    def _form(self) -> Form:
        """The first form in which a system's and a user's words, or at least the user's, come out as they went in.

        A template that reads lists makes nonsense of a text without an error, and the other way round.
        """
        system, user = Message("system", (Text("Qx1system"),)), Message("user", (Text("Qx2user"),))
        reason = "it does not write down what the user says"
        for probe in ((system, user), (user,)):
            forms: tuple[Form, ...] = ("text", "parts")
            for form in forms:
                try:
                    prompt = self._probed(ChatRequest(messages=probe), form)
                except RequestRefused as error:
                    reason = str(error)
                else:
                    if all(message.text in prompt for message in probe):
                        return form
        raise Unusable(f"the template is of no use: {reason}")

    def _probed(self, request: ChatRequest, form: Form) -> str:
        if "default" in self._templates:
            return self._written(request, form, len(self.checkpoint.templates["default"]) + 65_536)
        return self._written(_with_tool(request), form, len(self.checkpoint.templates["tool_use"]) + 65_536)


def _pieces(template: jinja2.Template, variables: Mapping[str, Any]) -> Iterator[str]:
    """What a template writes, piece by piece; every way in which it fails is one error."""
    try:
        yield from template.generate(variables)
    except MemoryError:
        raise
    except SecurityError as error:
        raise Unusable(f"it reaches for what no template may touch: {_reason(error)}") from error
    except Exception as error:
        raise UnsupportedContent(
            f"the model's chat template cannot write this conversation: {_reason(error)}", parameter="messages"
        ) from error


def _cut(written: str) -> str:
    """The prompt as far as the assistant's last words: what the template writes behind them would end its turn."""
    prompt, found, _ = written.rpartition(conversation.END)
    if not found:
        raise UnsupportedContent(
            "the model's chat template leaves out the assistant's last words, which are to be carried on: end with the user's turn",
            parameter="messages",
        )
    return prompt


def _bounded(pieces: Iterator[str], most: int) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise TooLong(f"more than {most} characters")
        yield piece


def _reason(error: Exception) -> str:
    """The error on one line: a template's own words, or the kind of mistake that it made."""
    if not isinstance(error, _TOLD):
        return type(error).__name__
    text = " ".join(str(error).split())[:MOST_REASON_CHARACTERS]
    return text if type(error) is jinja2.TemplateError else f"{type(error).__name__} {text}".rstrip()


def _environment(now: Callable[[], datetime]) -> ImmutableSandboxedEnvironment:
    """One for each template, so that none can leave anything behind for another."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    environment.filters["tojson"] = _tojson
    environment.globals.update(
        raise_exception=_raise_exception, strftime_now=lambda form: now().strftime(form), dict=_Dict(), namespace=_Namespace
    )
    return environment


def _with_tool(request: ChatRequest) -> ChatRequest:
    return ChatRequest(messages=request.messages, tools=(ToolSpec("probe", "A probe", {"type": "object", "properties": {}}),))


class _Generation(Extension):
    """``{% generation %}`` marks what the model itself wrote, for training; here it marks nothing."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own declaration

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)


def _tojson(value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
    """Jinja's own would write ``<`` as an escape, for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


class _Dict:
    """``dict`` without the class behind it, whose methods lead further than a template has to go."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


class _Namespace(Namespace):
    """``namespace`` without names that begin with an underscore."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, *rest = args  # as Jinja does, so that a template's own ``self`` is a name like any other
        values = dict(*rest, **kwargs)
        for name in values:
            _refuse_underscore(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_underscore(name)
        super().__setitem__(name, value)


def _refuse_underscore(name: Any) -> None:
    if str(name).startswith("_"):
        raise SecurityError(f"a namespace holds no {str(name)[:64]!r}")
