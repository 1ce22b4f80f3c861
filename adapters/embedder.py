"""What an embedder is: a family of native bodies that makes vectors of texts. A value, beside ``family.Family``.

``fit`` is to it what ``parameters.fit`` is to a family: nothing is dropped or clamped silently.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from adapters.embeddings import NAMES, EmbeddingReply, EmbeddingRequest
from adapters.errors import InvalidParameter, UnsupportedParameter


class Embedder(NamedTuple):
    """A dialect of native body that embeds.

    Attributes:
        name: The word in the configuration.
        dimensions: How many numbers a vector has when nobody says.
        accepts: Every parameter it honours (a field of ``EmbeddingRequest``), with the values that it may have.
            What is absent is refused.
        texts: How many texts one call may hold.
        characters: How long each may be at most; ``None``: only the model's own count of tokens bounds it.
        encode: The native body, JSON bytes, of as many texts as one call may hold. The request has been through
            ``fit``.
        decode: A whole native reply to that request.
    """

    name: str
    dimensions: int
    accepts: Mapping[str, tuple[Any, ...]]
    texts: int
    characters: int | None
    encode: Callable[[EmbeddingRequest], bytes]
    decode: Callable[[bytes, EmbeddingRequest], EmbeddingReply]


def fit(
    request: EmbeddingRequest, embedder: Embedder, *, defaults: Mapping[str, Any], ignorable: Collection[str] = ()
) -> tuple[EmbeddingRequest, tuple[str, ...]]:
    """The request as this embedder can honour it, and the parameters that were dropped.

    Args:
        defaults: For what the caller did not say.
        ignorable: Parameters to drop instead of refusing.

    Raises:
        UnsupportedParameter, InvalidParameter: It cannot; the parameter is a field, or ``input[2]`` for a text.
    """
    changes: dict[str, Any] = {name: value for name, value in defaults.items() if getattr(request, name) is None}
    dropped: list[str] = []
    for name in NAMES:
        value = getattr(request, name)
        try:
            if value is not None:
                check(name, value, embedder)
        except (UnsupportedParameter, InvalidParameter):
            if name not in ignorable:
                raise
            dropped.append(name)
            changes[name] = defaults.get(name)
    _check_lengths(request.texts, embedder)
    return replace(request, **changes), tuple(dropped)


def check(name: str, value: Any, embedder: Embedder) -> None:
    """Refuse a value that the embedder cannot honour.

    Raises:
        UnsupportedParameter: It has no such parameter.
        InvalidParameter: Not this value; the message lists those that it has.
    """
    allowed = embedder.accepts.get(name)
    if allowed is None:
        raise UnsupportedParameter(f'{name} is not supported by family "{embedder.name}": leave it out', parameter=name)
    if value not in allowed:
        words = " or ".join(map(str, allowed))
        raise InvalidParameter(f'{name} {value} is not one that family "{embedder.name}" has: send {words}', parameter=name)


def batches(request: EmbeddingRequest, most: int) -> list[EmbeddingRequest]:
    """The same request for so many texts at a time, in their order."""
    texts = request.texts
    return [replace(request, texts=texts[start : start + most]) for start in range(0, len(texts), most)]


def _check_lengths(texts: Sequence[str], embedder: Embedder) -> None:
    most = embedder.characters
    if most is None:
        return
    for place, text in enumerate(texts):
        if len(text) > most:
            raise InvalidParameter(
                f'input[{place}] has {len(text)} characters: family "{embedder.name}" takes at most {most} in each text',
                parameter=f"input[{place}]",
            )
