"""What a worker process is asked and answers, and how that travels: a length of four bytes, then MessagePack."""

import msgspec
from msgspec import Struct

from adapters.chat import ChatRequest
from adapters.prompts.checkpoint import Checkpoint

HEAD_BYTES = 4

# What a prompt may have: a template repeats little of a conversation, but may write its tools with indents.
LEAST_OUTPUT_CHARACTERS = 65_536
OUTPUT_PER_BYTE = 4


class Prepare(Struct, frozen=True, tag="prepare"):
    """Read a model's templates, and see whether they are of use."""

    key: str
    checkpoint: Checkpoint


class Write(Struct, frozen=True, tag="write"):
    """Write a prompt by templates that were prepared under this key."""

    key: str
    request: ChatRequest


class Learn(Struct, frozen=True, tag="learn"):
    """Read a tokenizer: the bytes of a ``tokenizer.json``."""

    key: str
    body: bytes


class Count(Struct, frozen=True, tag="count"):
    """Count the tokens of a text by a tokenizer that was learned under this key."""

    key: str
    text: str


class Ready(Struct, frozen=True, tag="ready"):
    """The process is there, and has bound itself."""


class Prepared(Struct, frozen=True, tag="prepared"):
    """The templates are of use."""


class Written(Struct, frozen=True, tag="written"):
    """A prompt."""

    prompt: str


class Learned(Struct, frozen=True, tag="learned"):
    """The tokenizer is of use.

    Attributes:
        special, added: The tokens beside its vocabulary.
    """

    special: tuple[str, ...]
    added: tuple[str, ...]


class Counted(Struct, frozen=True, tag="counted"):
    """How many tokens."""

    tokens: int


class Unknown(Struct, frozen=True, tag="unknown"):
    """Nothing was prepared or learned under this key, or it has been forgotten since."""


class Refused(Struct, frozen=True, tag="refused"):
    """The conversation cannot be written: its sender's to mend."""

    message: str
    parameter: str


class Failed(Struct, frozen=True, tag="failed"):
    """What the model brought is of no use, or overstepped a bound: its operator's to mend.

    Attributes:
        spent: The process has had enough, and ends after this.
    """

    message: str
    spent: bool = False


Job = Prepare | Write | Learn | Count
Answer = Ready | Prepared | Written | Learned | Counted | Unknown | Refused | Failed

_jobs = msgspec.msgpack.Decoder(Job)
_answers = msgspec.msgpack.Decoder(Answer)


def packed(message: Struct) -> bytes:
    """The bytes of a message, without its length."""
    return msgspec.msgpack.encode(message)


def job(body: bytes) -> Job:
    """Raises msgspec.DecodeError."""
    found: Job = _jobs.decode(body)
    return found


def answer(body: bytes) -> Answer:
    """Raises msgspec.DecodeError, or UnicodeDecodeError: a process that was taken over may send anything."""
    found: Answer = _answers.decode(body)
    return found
