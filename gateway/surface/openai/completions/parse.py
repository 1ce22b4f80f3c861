"""A completion body into a ``Call``: one request to a model for every text that is wanted, of every prompt.

Never raises anything but ``InvalidRequest``: whatever bytes come, the fault is the caller's and the answer a 400.
"""

import msgspec
from msgspec import Struct

from adapters import chat
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.surface.answering import Arrival
from gateway.surface.openai.bodies import refuse_repeated_fields
from gateway.surface.openai.complaints import Hints, explain
from gateway.surface.openai.fields import Unsupported, refuse_unsupported, said, wants_usage
from gateway.surface.openai.wire.completions import CompletionBody

MOST_ANSWERS = 32
"""The most texts that one request may ask for, all prompts together: each is a paid request of its own, all at once."""

UNSUPPORTED: Unsupported = {"suffix": (("",), "no family inserts text between two others")}

_decode = msgspec.json.Decoder(CompletionBody).decode
_HINTS = Hints(CompletionBody.__struct_fields__)


class Notes(Struct, frozen=True):
    """What the reply needs to know of the request.

    Attributes:
        candidates: How many texts are made of each prompt: ``best_of``, or ``n``.
        kept: How many of them are shown: ``n``.
        echo: Whether each text begins with its prompt.
        logprobs: How many of the likeliest tokens are wanted at each place; ``None``: no log probabilities at all.
    """

    prompts: tuple[str, ...]
    candidates: int = 1
    kept: int = 1
    echo: bool = False
    logprobs: int | None = None

    def prompt(self, choice: int) -> str:
        """The prompt of one choice of the call."""
        return self.prompts[choice // self.candidates]


def parse_completion(body: bytes, arrival: Arrival) -> Call:
    """Read a request of ``POST /v1/completions``.

    Raises:
        InvalidRequest: The body is not JSON, not OpenAI's shape, or asks for what nothing here can do. ``parameter`` is the
            field to change, as OpenAI spells it.
    """
    try:
        asked = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain(body, error, _HINTS) from error
    refuse_repeated_fields(body)
    notes = _notes(asked)
    requests = tuple([request for request in _requests(asked, notes) for _ in range(notes.candidates)])
    return Call(
        id=arrival.id,
        key=arrival.key,
        alias=asked.model,
        request=requests[0],
        received_at=arrival.received_at,
        stream=asked.stream or False,
        choices=len(requests),
        include_usage=wants_usage(asked.stream_options, asked.stream),
        variants=requests if len(notes.prompts) > 1 else (),
        notes=notes,
    )


def notes_of(call: Call) -> Notes:
    """What ``parse_completion`` has noted."""
    assert isinstance(call.notes, Notes)
    return call.notes


def _notes(asked: CompletionBody) -> Notes:
    kept = asked.n or 1
    candidates = asked.best_of or kept
    if candidates < kept:
        raise InvalidRequest(f"best_of ({candidates}) must be at least n ({kept})", parameter="best_of")
    if candidates > kept and asked.stream:
        raise InvalidRequest("best_of cannot be streamed: which text is the best is known only at the end", parameter="best_of")
    if asked.echo and asked.logprobs is not None:
        raise InvalidRequest("echo with logprobs is not supported: Bedrock tells those of the answer alone", parameter="echo")
    prompts = _prompts(asked.prompt)
    if (total := len(prompts) * candidates) > MOST_ANSWERS:
        raise InvalidRequest(
            f"{len(prompts)} prompt(s) with {candidates} answer(s) each are {total} requests: at most {MOST_ANSWERS} are made at once",
            parameter="prompt",
        )
    return Notes(prompts, candidates, kept, asked.echo or False, asked.logprobs)


def _prompts(prompt: str | tuple[str | int | tuple[int, ...], ...]) -> tuple[str, ...]:
    if isinstance(prompt, str):
        return (prompt,)
    texts = tuple([each for each in prompt if isinstance(each, str)])
    if len(texts) < len(prompt):
        raise InvalidRequest("prompt holds token numbers, which every model reads in its own way: send text", parameter="prompt")
    return texts


def _requests(asked: CompletionBody, notes: Notes) -> list[chat.ChatRequest]:
    """One for each prompt."""
    sampling, advisory = _sampling(asked, ranked=notes.candidates > notes.kept), _advisory(asked)
    return [
        chat.ChatRequest((chat.Message("user", (chat.Text(prompt),)),), sampling, advisory=advisory, prompt=prompt)
        for prompt in notes.prompts
    ]


def _sampling(asked: CompletionBody, *, ranked: bool) -> chat.Sampling:
    """The knobs. To rank texts their log probabilities are needed, whether the caller wants to see them or not."""
    stop = asked.stop
    return chat.Sampling(
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        stop=() if stop is None else (stop,) if isinstance(stop, str) else stop,
        seed=asked.seed,
        frequency_penalty=asked.frequency_penalty,
        presence_penalty=asked.presence_penalty,
        logit_bias=asked.logit_bias or None,
        logprobs=True if ranked or asked.logprobs is not None else None,
        top_logprobs=asked.logprobs or None,
    )


def _advisory(asked: CompletionBody) -> tuple[str, ...]:
    refuse_unsupported(asked, UNSUPPORTED)
    names = said(asked, ("user", *UNSUPPORTED))
    if asked.stream_options is not None and asked.stream_options.include_obfuscation:
        names.add("stream_options.include_obfuscation")
    return tuple(sorted(names))
