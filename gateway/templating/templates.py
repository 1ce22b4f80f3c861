"""What the targets' own files say: their chat templates, and the tokens of a request. Nothing here asks AWS for a request's sake."""

from typing import NamedTuple

from adapters.chat import ChatRequest
from gateway.registry.model import Target
from gateway.usage import estimate


class Count(NamedTuple):
    """How many tokens a prompt has.

    Attributes:
        exact: Counted by the model's own tokenizer over the model's own prompt; else an estimate.
    """

    tokens: int
    exact: bool


class Templates:
    """The templates and tokenizers of all targets of this process."""

    async def count(self, target: Target, request: ChatRequest) -> Count:  # noqa: ARG002 - until the files of a target are read
        """The tokens of the whole prompt that this target would be sent: messages, tools, and the template's own words."""
        return Count(estimate.prompt_tokens(request), exact=False)
