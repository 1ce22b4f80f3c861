"""What a family is: a name and five answers. A value, so nothing can be inherited and everything can be read."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from adapters.chat import ChatRequest
from adapters.deltas import Delta, Usage


class Range(NamedTuple):
    """Values a number may take: ``low`` to ``high``, both included unless ``above`` opens the lower end."""

    low: float
    high: float
    above: bool = False


class AtMost(NamedTuple):
    """How many entries a list may have."""

    entries: int


class OneOf(NamedTuple):
    """The words that a text may be."""

    words: tuple[str, ...]


class Sealed(NamedTuple):
    """Earlier thoughts are read with their seal, and only while the model is told to think, or ``always``."""

    always: bool = False


class CachePoints(NamedTuple):
    """Where a family that has cache points takes them beside messages, whether they may say for how long, and how many."""

    tools: bool
    ttl: bool
    most: int = 4


Rule = Range | AtMost | OneOf | Sealed | CachePoints | None
"""What a family demands of a parameter that it honours; ``None``: nothing more than its type."""

Beside = Mapping[str, Mapping[str, Range | None]]
"""What saying one parameter leaves of others: a narrower range, or ``None``: they may not be said beside it."""


Operation = Literal["invoke", "converse"]
"""How Bedrock is asked: by ``InvokeModel`` with a body of the model's own, or by ``Converse`` with one that models share."""


class Reader(Protocol):
    """Reads one streamed reply: native chunks in, deltas out. No I/O, one object per reply."""

    @property
    def cut(self) -> bool:
        """True once the reply is complete for the caller although the model still speaks (a ``stop`` that we honour
        ourselves): the upstream may be closed, and what it still says is not read.
        """
        ...

    def read(self, chunk: bytes) -> list[Delta]:
        """Read one native chunk: the JSON inside one frame. May return nothing.

        Raises:
            MalformedReply: The chunk has no shape that this family is known to send.
        """
        ...

    def end(self) -> list[Delta]:
        """The upstream closed cleanly: return what was held back.

        Raises:
            MalformedReply: The stream's terminal event never came, so the reply is cut, however clean the close looked.
        """
        ...


class Family(NamedTuple):
    """A dialect of native body.

    Attributes:
        name: The word in the configuration.
        accepts: Every parameter it honours, as OpenAI spells it, with its rule; also the features ``tools``,
            ``tools.strict``, ``tool_choice``, ``parallel_tool_calls``, ``response_format``, ``response_format.strict``
            (the schema is enforced, not only asked for), ``images``, ``documents``, ``reasoning`` (earlier thoughts sent
            back), ``cache`` (cache points), ``prompt`` (a prompt already written), ``name`` (a participant's).
            What is absent is refused, or dropped and named where that changes no answer.
        max_tokens: Sent when neither the caller nor the alias says; Bedrock's own defaults truncate silently.
        encode: The native body, JSON bytes. ``stream`` because some bodies must say so. The request has been
            through ``parameters.fit``, so only content can be refused here.
        decode: A whole native reply into deltas. ``counts`` are the token headers, when AWS sent them.
        reader: A reader for one streamed reply to this request.
        operation: What carries the body; a chunk of ``converse`` is ``{"<event type>": <payload>}``.
        emulates: Those of ``accepts`` that the native body has no field for, or one that hardly any value fits, and that are
            honoured on the model's behalf.
        presented: The request as the model is to see it, and what its answer is made to begin with: for whoever writes the
            prompt in the family's place. The prompt has to end with the latter.
        beside: Parameters that do not go together.
        has_turns: It reads turns although it also takes a prompt already written; of the others each does one of the two.
    """

    name: str
    accepts: Mapping[str, Rule]
    max_tokens: int
    encode: Callable[[ChatRequest, bool], bytes]
    decode: Callable[[bytes, ChatRequest, Usage | None], list[Delta]]
    reader: Callable[[ChatRequest], Reader]
    operation: Operation = "invoke"
    emulates: frozenset[str] = frozenset()
    presented: Callable[[ChatRequest], tuple[ChatRequest, str]] = lambda request: (request, "")
    beside: Beside = MappingProxyType({})
    has_turns: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether one prompt is all that it reads."""
        return "prompt" in self.accepts and not self.has_turns
