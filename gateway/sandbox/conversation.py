"""What a native body asks, in no family's dialect, and what the model answers. Values only.

Dialects make an ``Ask`` of a body and a body of an ``Answer``; replies turn the one into the other.
"""

from typing import Any, Literal

from msgspec import Struct

Role = Literal["system", "user", "assistant", "tool"]


class Turn(Struct, frozen=True):
    """One turn of the conversation, as text."""

    role: Role
    text: str


class Tool(Struct, frozen=True):
    """A function that the model may call; ``parameters`` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]


class Call(Struct, frozen=True):
    """A call of a tool."""

    name: str
    arguments: dict[str, Any]


class Ask(Struct, frozen=True):
    """One request to a model.

    Attributes:
        turns: The conversation, oldest first.
        prompt: All text that is paid for as input.
        max_tokens: The reply never has more tokens.
        stop: Texts that end the reply; never part of it.
        tool_choice: ``auto``, ``any``, ``none`` or the name of the one tool to call.
        schema: The JSON Schema that the reply must follow; ``None`` asks for prose.
        images: How many; each counts as 170 tokens of input.
        calls_as: How a call is written into the text (a key of ``replies.offers.WRITERS``); ``""``: it has fields of its own.
        begun: The beginning of a call, which the prompt ends with and the model goes on from.
        thinking: How many tokens of the reply may be thought before the answer; 0 asks for none.
        count: How many replies are wanted; they are all the same, because the sandbox never rolls dice.
        body: The body itself, for what only its dialect understands.
    """

    turns: tuple[Turn, ...]
    prompt: str
    max_tokens: int
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    schema: dict[str, Any] | None = None
    images: int = 0
    calls_as: str = ""
    begun: str = ""
    thinking: int = 0
    count: int = 1
    body: dict[str, Any] = {}


class Answer(Struct, frozen=True):
    """One reply of a model.

    Attributes:
        pieces: The text's tokens, in order.
        call: The tool that is called after the text, if any.
        call_pieces: The tokens of the call's arguments as JSON text.
        end: Why it ended. ``stop_sequence`` names the text in ``stopped_by``.
        thought: The tokens of what the model thought before.
    """

    pieces: tuple[str, ...]
    end: Literal["stop", "length", "stop_sequence", "tool"]
    input_tokens: int
    call: Call | None = None
    call_pieces: tuple[str, ...] = ()
    stopped_by: str | None = None
    thought: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def output_tokens(self) -> int:
        """At least one, as AWS reports it: the end of a reply is a token too."""
        return max(1, len(self.thought) + len(self.pieces) + len(self.call_pieces))
