"""What a completion body becomes, and what of it is refused before any family is asked."""

import json

import pytest

from adapters.chat import Message, Sampling, Text
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.completions.parse import notes_of, parse_completion

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)


def parse(body: bytes) -> Call:
    return parse_completion(body, Arrival("req-1", KEY, 1.5))


def asked(**fields: object) -> Call:
    return parse(json.dumps({"model": "llama", "prompt": "Once"} | fields).encode())


def test_smallest() -> None:
    """Model and prompt are enough: the prompt goes as it stands, and everything else means that the caller did not say."""
    call = asked()

    assert (call.id, call.alias, call.received_at, call.key) == ("req-1", "llama", 1.5, KEY)
    assert (call.stream, call.choices, call.include_usage, call.variants) == (False, 1, False, ())
    assert call.request.prompt == "Once"
    assert call.request.messages == (Message("user", (Text("Once"),)),)
    assert (call.request.sampling, call.request.advisory) == (Sampling(), ())


def test_nulls() -> None:
    """A field that is null was not given."""
    names = ("max_tokens", "stop", "n", "best_of", "echo", "logprobs", "seed", "stream", "stream_options", "user", "suffix")

    assert asked(**dict.fromkeys(names)).request == asked().request


PROMPTS = {
    "a text": ("Once", 1, ["Once"]),
    "a list of one": (["Once"], 1, ["Once"]),
    "two": (["a", "b"], 1, ["a", "b"]),
    "two, twice each": (["a", "b"], 2, ["a", "a", "b", "b"]),
    "a text, three times": ("a", 3, ["a", "a", "a"]),
    "text as it is": ("<s>[INST] hé\r\n\t🙂\x00", 1, ["<s>[INST] hé\r\n\t🙂\x00"]),
}


@pytest.mark.parametrize(("prompt", "n", "expected"), PROMPTS.values(), ids=PROMPTS.keys())
def test_prompts(prompt: object, n: int, expected: list[str]) -> None:
    """Every text wanted of every prompt is a choice of the call, those of the first prompt first."""
    call = asked(prompt=prompt, n=n)

    assert call.choices == len(expected)
    assert [call.asked(choice).prompt for choice in range(call.choices)] == expected
    assert [notes_of(call).prompt(choice) for choice in range(call.choices)] == expected


def test_sampling() -> None:
    """Each knob arrives under the canonical name."""
    call = asked(
        max_tokens=5, temperature=0, top_p=0.5, stop=["a", "b"], seed=7, frequency_penalty=-2, presence_penalty=2, logit_bias={"7": 1}
    )  # fmt: skip

    assert call.request.sampling == Sampling(
        max_tokens=5,
        temperature=0.0,
        top_p=0.5,
        stop=("a", "b"),
        seed=7,
        frequency_penalty=-2.0,
        presence_penalty=2.0,
        logit_bias={"7": 1.0},
    )


LOGPROBS = {
    "none": ({}, None, None),
    "the chosen token's alone": ({"logprobs": 0}, True, None),
    "and others'": ({"logprobs": 5}, True, 5),
    "to rank by": ({"best_of": 3}, True, None),
    "nothing to rank": ({"best_of": 2, "n": 2}, None, None),
}


@pytest.mark.parametrize(("fields", "logprobs", "top"), LOGPROBS.values(), ids=LOGPROBS.keys())
def test_logprobs(fields: dict[str, object], logprobs: bool | None, top: int | None) -> None:
    """Log probabilities are asked of the model where the caller wants to see them, or wants the best of several texts."""
    sampling = asked(**fields).request.sampling

    assert (sampling.logprobs, sampling.top_logprobs) == (logprobs, top)


def test_stream() -> None:
    """A stream with its usage chunk."""
    call = asked(stream=True, stream_options={"include_usage": True, "include_obfuscation": True}, user="u", suffix="")

    assert (call.stream, call.include_usage) == (True, True)
    assert call.request.advisory == ("stream_options.include_obfuscation", "suffix", "user")


REFUSED = {
    "no prompt": ({"prompt": None}, "prompt must be", "prompt"),
    "an empty prompt": ({"prompt": ""}, "prompt must not be empty", "prompt"),
    "no prompts": ({"prompt": []}, "prompt must not be empty", "prompt"),
    "an empty prompt among others": ({"prompt": ["a", ""]}, "must not be empty", "prompt[1]"),
    "tokens": ({"prompt": [1, 2, 3]}, "token numbers", "prompt"),
    "lists of tokens": ({"prompt": [[1, 2], [3]]}, "token numbers", "prompt"),
    "text and tokens": ({"prompt": ["a", [3]]}, "token numbers", "prompt"),
    "too many": ({"prompt": ["a"] * 17, "n": 2}, "17 prompt.* 34 requests: at most 32", "prompt"),
    "best_of below n": ({"n": 3, "best_of": 2}, r"best_of \(2\) must be at least n \(3\)", "best_of"),
    "best_of in a stream": ({"best_of": 2, "stream": True}, "cannot be streamed", "best_of"),
    "best_of too large": ({"best_of": 21}, "at most 20", "best_of"),
    "n too large": ({"n": 9}, "at most 8", "n"),
    "suffix": ({"suffix": "end"}, "suffix is not supported", "suffix"),
    "echo with logprobs": ({"echo": True, "logprobs": 0}, "echo with logprobs", "echo"),
    "logprobs too large": ({"logprobs": 6}, "at most 5", "logprobs"),
    "logprobs as chat has them": ({"logprobs": True}, "must be an integer", "logprobs"),
    "five stops": ({"stop": list("abcde")}, "at most 4", "stop"),
    "stream_options alone": ({"stream_options": {}}, "only for stream", "stream_options"),
    "a field of chat's": ({"messages": []}, "Unrecognized request argument", "messages"),
    "a misspelt field": ({"max_token": 5}, "did you mean max_tokens", "max_token"),
}


@pytest.mark.parametrize(("fields", "message", "parameter"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(fields: dict[str, object], message: str, parameter: str) -> None:
    """What cannot be honoured is a refusal that names the field."""
    with pytest.raises(InvalidRequest, match=message) as caught:
        asked(**fields)

    assert caught.value.parameter == parameter


def test_repeated() -> None:
    """The model twice means two things to two readers."""
    with pytest.raises(InvalidRequest, match="given twice"):
        parse(b'{"model":"a","model":"b","prompt":"x"}')
