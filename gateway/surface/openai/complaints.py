"""Turns a decoder's complaint about a body into a sentence that tells the caller what to change. It decides nothing.

Runs only when a body has been refused already, so it may take its time, but not the caller's: what it quotes is bounded.
"""

import difflib
import re

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
}
LONGEST_QUOTE = 64

ROLES = "developer, system, user, assistant and tool"
# Values that a caller may well send, because OpenAI or an older OpenAI takes them, by the end of the path they stand at.
KNOWN_VALUES = {
    ("role", "function"): 'role "function" is OpenAI\'s deprecated form: send role "tool" with a tool_call_id',
    ("type", "input_audio"): "audio input is not supported: content parts are text and image_url",
    ("type", "file"): "file input is not supported: content parts are text and image_url",
    ("type", "custom"): 'custom tools are not supported: use type "function"',
    ("type", "allowed_tools"): "allowed_tools is not supported: send only the tools that may be called",
}


def explain(body: bytes, error: Exception) -> InvalidRequest:
    """The refusal that fits the decoder's error on this body."""
    if isinstance(error, msgspec.ValidationError):
        return _explain_shape(body, error)
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


def _explain_shape(body: bytes, error: msgspec.ValidationError) -> InvalidRequest:
    complaint = COMPLAINT.fullmatch(str(error))
    assert complaint is not None  # every string matches
    what, path = complaint["what"], (complaint["path"] or "").replace("[...]", "")
    for pattern, phrase in PHRASES:
        if found := pattern.fullmatch(what):
            return phrase(body, path, found)
    return InvalidRequest(f"{_name(path)}: {what}", parameter=_parameter(path))


def _unknown_field(_: bytes, path: str, found: re.Match[str]) -> InvalidRequest:
    field = found[1]
    where = _parameter(f"{path}.{field[:LONGEST_QUOTE]}")
    near = (
        []
        if path or len(field) > LONGEST_QUOTE
        else difflib.get_close_matches(field, wire.ChatCompletionBody.__struct_fields__, n=1)
    )
    hint = f"; did you mean {near[0]}?" if near else ""
    place = f" in {_name(path)}" if path else ""
    return InvalidRequest(f"Unrecognized request argument {quoted(field)}{place}{hint}", parameter=where)


def _missing_field(_: bytes, path: str, found: re.Match[str]) -> InvalidRequest:
    where = _parameter(f"{path}.{found[1]}")
    return InvalidRequest(f"{where} is required", parameter=where)


def _wrong_kind(_: bytes, path: str, found: re.Match[str]) -> InvalidRequest:
    wanted = " or ".join(KINDS.get(kind, kind) for kind in found[1].split(" | ") if kind != "null" or found[1] == "null")
    given = KINDS.get(found[2], found[2])
    return InvalidRequest(f"{_name(path)} must be {wanted}, not {given}", parameter=_parameter(path))


def _wrong_number(body: bytes, path: str, found: re.Match[str]) -> InvalidRequest:
    bound = {"<=": "at most", ">=": "at least"}[found[1]]
    value = _value_at(body, path)
    return InvalidRequest(f"{_name(path)} is {value}; it must be {bound} {float(found[2]):g}", parameter=_parameter(path))


def _wrong_length(_: bytes, path: str, found: re.Match[str]) -> InvalidRequest:
    things = "characters" if found[1] == "str" else "entries"
    if (found[2], found[3]) == (">=", "1"):
        return InvalidRequest(f"{_name(path)} must not be empty", parameter=_parameter(path))
    bound = {"<=": "at most", ">=": "at least"}[found[2]]
    return InvalidRequest(f"{_name(path)} must have {bound} {found[3]} {things}", parameter=_parameter(path))


def _wrong_pattern(_: bytes, path: str, found: re.Match[str]) -> InvalidRequest:
    pattern = found[1].replace("\\\\", "\\").replace(wire.NO_NEWLINE, "")
    return InvalidRequest(f"{_name(path)} must match {pattern}", parameter=_parameter(path))


def _wrong_value(_: bytes, path: str, found: re.Match[str]) -> InvalidRequest:
    value = found[1]
    last = path.rpartition(".")[2]
    if (known := KNOWN_VALUES.get((last, value))) is not None:
        return InvalidRequest(known, parameter=_parameter(path))
    hint = f": roles are {ROLES}" if last == "role" else ""
    return InvalidRequest(f"{_name(path)} has the unknown value {quoted(value)}{hint}", parameter=_parameter(path))


def _out_of_range(_: bytes, path: str, __: re.Match[str]) -> InvalidRequest:
    return InvalidRequest(f"{_name(path)} is a number too large to be meant", parameter=_parameter(path))


# In the decoder's words (msgspec 0.20 to 0.22); what none of these fits is passed on as it is.
PHRASES = (
    (re.compile(r"Object contains unknown field `(.*)`", re.DOTALL), _unknown_field),
    (re.compile(r"Object missing required field `(.*)`"), _missing_field),
    (re.compile(r"Expected `([^`]*)`, got `([^`]*)`"), _wrong_kind),
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
