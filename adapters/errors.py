"""What an adapter may refuse.

AdapterError
├── RequestRefused          the caller's to mend
│   ├── UnsupportedParameter
│   ├── InvalidParameter
│   ├── UnsupportedContent
│   └── MakesEmbeddings
└── MalformedReply          the model's fault

Each carries the offending parameter as OpenAI spells it; none knows HTTP.
"""


class AdapterError(Exception):
    """Anything an adapter raises on purpose."""


class RequestRefused(AdapterError):
    """The request cannot be put into this family's body.

    Attributes:
        parameter: The field to change, as the caller spells it: ``temperature``, ``messages[2].content[0]``.
    """

    def __init__(self, message: str, *, parameter: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class UnsupportedParameter(RequestRefused):
    """The parameter would change the answer and the family has no such knob."""


class InvalidParameter(RequestRefused):
    """The family has the knob, but not this value."""


class UnsupportedContent(RequestRefused):
    """The family cannot read this kind of content, or this order of turns."""


class MakesEmbeddings(RequestRefused):
    """A chat was asked of a family that makes embeddings."""

    def __init__(self, family: str) -> None:
        super().__init__(
            f'model is one of family "{family}", which makes embeddings and answers no chat: ask /v1/embeddings',
            parameter="model",
        )


class MalformedReply(AdapterError):
    """The model's reply is not what any known shape of its family looks like, or it ended too early."""
