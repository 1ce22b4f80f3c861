"""Turns a decoder's complaint about a body into a sentence that tells the caller what to change. It decides nothing.

Runs only when a body has been refused already, so it may take its time, but not the caller's: what it quotes is bounded.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from gateway.errors import InvalidRequest
from gateway.surface.openai import wire

COMPLAINT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
KINDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "NoneType": "null",
}
LONGEST_QUOTE = 64
_WRONG_KIND = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_DECODED: Mapping[type, str] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    list: "array",
    dict: "object",
    type(None): "null",
}


def nothing_known(_path: str, _value: str) -> None:
    """No value is worth a sentence of its own."""


class Hints(NamedTuple):
    """What an endpoint knows about its callers' mistakes.

    Attributes:
        fields: Of its body, for the name nearest to an unknown one.
        value: A sentence about a value that the endpoint does not take, from its path and the value itself; ``None`` when
            there is nothing to say of it.
    """

    fields: tuple[str, ...]
    value: Callable[[str, str], str | None] = nothing_known


ROLES = "developer, system, user, assistant and tool"
# Values that a caller may well send, because OpenAI or an older OpenAI takes them, by the end of the path they stand at.
KNOWN_VALUES = {
    ("role", "function"): 'role "function" is OpenAI\'s deprecated form: send role "tool" with a tool_call_id',
    ("type", "input_audio"): "audio input is not supported: content parts are text, image_url and file",
    ("type", "file"): "files are read in messages of role user",
    ("type", "custom"): 'custom tools are not supported: use type "function"',
    ("type", "allowed_tools"): "allowed_tools is not supported: send only the tools that may be called",
}


def _known_in_chat(path: str, value: str) -> str | None:
    last = path.rpartition(".")[2]
    if (known := KNOWN_VALUES.get((last, value))) is not None:
        return known
    return f"{path} has the unknown value {quoted(value)}: roles are {ROLES}" if last == "role" else None


CHAT = Hints(wire.ChatCompletionBody.__struct_fields__, _known_in_chat)


def explain(body: bytes, error: Exception, hints: Hints = CHAT) -> InvalidRequest:
    """The refusal that fits the decoder's error on this body."""
    if isinstance(error, msgspec.ValidationError):
        return _explain_shape(body, error, hints)
    return InvalidRequest(_explain_syntax(body, error))


def quoted(text: str) -> str:
    """A caller's own word, short enough to be sent back."""
    return f'"{text}"' if len(text) <= LONGEST_QUOTE else f'"{text[:LONGEST_QUOTE]}…"'


def _explain_syntax(body: bytes, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "The body is not valid UTF-8"
    if isinstance(error, RecursionError):
        return "The body is nested too deeply"
    if not body:
        return "The body is empty: send a JSON object"
    if body.startswith(b"\xef\xbb\xbf"):
        return "The body begins with a byte order mark: send plain UTF-8"
    # The decoder calls half a surrogate pair a truncation, too.
    reason = "it ends too early, or holds half of a surrogate pair" if "truncated" in str(error) else str(error)
    return f"The body is not valid JSON: {reason}"


def _explain_shape(body: bytes, error: msgspec.ValidationError, hints: Hints) -> InvalidRequest:
    complaint = COMPLAINT.fullmatch(str(error))
    assert complaint is not None  # every string matches
    what = complaint["what"]
    path = _path(body, what, complaint["path"] or "")
    for pattern, phrase in PHRASES:
        if found := pattern.fullmatch(what):
            return phrase(Complaint(body, path, found, hints))
    return InvalidRequest(f"{_name(path)}: {what}", parameter=_parameter(path))


def _path(body: bytes, what: str, path: str) -> str:
    """The path with the key of an object of free names, which the decoder does not tell, where it can be found again."""
    holder, inside, rest = path.partition("[...]")
    if inside and not rest and (found := _WRONG_KIND.fullmatch(what)):
        key = next((key for key, kind in _kinds(body, holder) if kind == found[2]), None)
        if key is not None and key.isprintable():
            return f"{holder}.{key[:LONGEST_QUOTE]}"
    return path.replace("[...]", "")


def _kinds(body: bytes, path: str) -> list[tuple[str, str]]:
    """The keys of the object at the path, and the decoder's word for what each holds; nothing where it cannot be found."""
    try:
        value = msgspec.json.decode(body)
        for key, index in STEP.findall(path):
            value = value[key] if key else value[int(index)]
        return [(key, _DECODED[type(each)]) for key, each in value.items()]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError, AttributeError):
        return []


class Complaint(NamedTuple):
    """One of the decoder's: the body, where in it (``.messages[0].role``), the words that matter, and the endpoint's hints."""

    body: bytes
    path: str
    found: re.Match[str]
    hints: Hints


def _unknown_field(it: Complaint) -> InvalidRequest:
    field, path = it.found[1], it.path
    where = _parameter(f"{path}.{field[:LONGEST_QUOTE]}")
    near = [] if path or len(field) > LONGEST_QUOTE else difflib.get_close_matches(field, it.hints.fields, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    place = f" in {_name(path)}" if path else ""
    return InvalidRequest(f"Unrecognized request argument {quoted(field)}{place}{hint}", parameter=where)


def _missing_field(it: Complaint) -> InvalidRequest:
    where = _parameter(f"{it.path}.{it.found[1]}")
    return InvalidRequest(f"{where} is required", parameter=where)


def _wrong_kind(it: Complaint) -> InvalidRequest:
    kinds, given = it.found.groups()
    wanted = " or ".join(KINDS.get(kind, kind) for kind in kinds.split(" | ") if kind != "null" or kinds == "null")
    return _about(it, f"must be {wanted}, not {KINDS.get(given, given)}")


def _wrong_number(it: Complaint) -> InvalidRequest:
    bound = {"<=": "at most", ">=": "at least"}[it.found[1]]
    return _about(it, f"is {_value_at(it.body, it.path)}; it must be {bound} {float(it.found[2]):g}")


def _wrong_length(it: Complaint) -> InvalidRequest:
    kind, sign, length = it.found.groups()
    if (sign, length) == (">=", "1"):
        return _about(it, "must not be empty")
    bound = {"<=": "at most", ">=": "at least"}[sign]
    return _about(it, f"must have {bound} {length} {'characters' if kind == 'str' else 'entries'}")


def _wrong_pattern(it: Complaint) -> InvalidRequest:
    pattern = it.found[1].replace("\\\\", "\\").replace(wire.NO_NEWLINE, "")
    return _about(it, f"must match {pattern}")


def _wrong_value(it: Complaint) -> InvalidRequest:
    value = it.found[1]
    if (known := it.hints.value(_name(it.path), value)) is not None:
        return InvalidRequest(known, parameter=_parameter(it.path))
    return _about(it, f"has the unknown value {quoted(value)}")


def _out_of_range(it: Complaint) -> InvalidRequest:
    return _about(it, "is a number too large to be meant")


def _about(it: Complaint, says: str) -> InvalidRequest:
    return InvalidRequest(f"{_name(it.path)} {says}", parameter=_parameter(it.path))


# In the decoder's words (msgspec 0.20 to 0.22); what none of these fits is passed on as it is.
PHRASES = (
    (re.compile(r"Object contains unknown field `(.*)`", re.DOTALL), _unknown_field),
    (re.compile(r"Object missing required field `(.*)`"), _missing_field),
    (_WRONG_KIND, _wrong_kind),
    (re.compile(r"Expected `(?:int|float)` ([<>]=) ([-+.e\d]+)"), _wrong_number),
    (re.compile(r"Expected `(\w+)` of length ([<>]=) (\d+)"), _wrong_length),
    (re.compile(r"Expected `str` matching regex '(.*)'", re.DOTALL), _wrong_pattern),
    (re.compile(r"Invalid (?:enum )?value '?(.*?)'?", re.DOTALL), _wrong_value),
    (re.compile(r"(?:Number|Integer value) out of range"), _out_of_range),
)


def _parameter(path: str) -> str | None:
    """The path as OpenAI spells it: ``messages[1].content``; ``None`` for the body itself."""
    return path.removeprefix(".") or None


def _name(path: str) -> str:
    return _parameter(path) or "The body"


def _value_at(body: bytes, path: str) -> str:
    """The number that was refused, for the caller to recognise, or "out of range" where it cannot be found again.

    That is inside an object, whose keys the decoder does not tell, and in a body that is no JSON further on.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "out of range"
    for key, index in STEP.findall(path):
        value = value[key] if key else value[int(index)]
    return str(value)[:LONGEST_QUOTE] if isinstance(value, int | float) else "out of range"
