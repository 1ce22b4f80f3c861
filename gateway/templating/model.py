"""What is known of one model's own files, and what is told of a target. Values only."""

from typing import NamedTuple

from msgspec import Struct

from adapters.prompts.checkpoint import Checkpoint
from gateway.templating.jobs import Learn, Prepare


class Count(NamedTuple):
    """How many tokens a prompt has.

    Attributes:
        exact: Counted by the model's own tokenizer over the model's own prompt; else an estimate.
    """

    tokens: int
    exact: bool


class Written(NamedTuple):
    """A prompt, and the digest of the template that wrote it."""

    prompt: str
    sha256: str


class Facts(Struct, frozen=True):
    """What writes a target's prompts.

    Attributes:
        source: The folder in S3 that was looked into.
        sha256: Of the model's own template, in use or not; ``None``: none was found.
        in_use: It writes the prompts; else the family's built-in one does.
        problem: Why it is not in use, although one was wanted; or why the files could not be read again.
        exact_tokens: The model's own tokenizer counts.
    """

    source: str | None = None
    sha256: str | None = None
    in_use: bool = False
    problem: str | None = None
    exact_tokens: bool = False


class Model(Struct, frozen=True):
    """A model's templates and tokenizer, tried out: of use.

    Attributes:
        key: Of the templates in a worker process: a digest of all that writes a prompt.
        tokenizer: The bytes of its ``tokenizer.json``; ``None``: there is none of use.
        tokenizer_key: Of the tokenizer in a worker process.
    """

    key: str
    checkpoint: Checkpoint
    tokenizer: bytes | None = None
    tokenizer_key: str = ""

    def prepare(self) -> Prepare:
        """The job that makes the templates known to a process."""
        return Prepare(self.key, self.checkpoint)

    def learn(self) -> Learn:
        """The job that makes the tokenizer known to a process."""
        return Learn(self.tokenizer_key, self.tokenizer or b"")
