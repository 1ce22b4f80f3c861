"""Names of parameters as an endpoint spells them: families and ``parameters.fit`` speak of them as OpenAI's chat does.

Knows the shape of a name, and no endpoint.
"""

import re
from collections.abc import Callable, Mapping

from adapters.errors import RequestRefused
from gateway.errors import InvalidRequest
from gateway.surface.problems import Headers, envelope
from gateway.surface.reply_headers import reply_headers
from gateway.usage.meter import Meter

Spelling = Mapping[str, str]
"""Chat's name of a parameter to the endpoint's; a place inside ``messages`` is looked up without its numbers and what follows."""

_MESSAGES = re.compile(r"messages(\[\d+\].*)?")
_LONG_NAME = re.compile(r"(?<![\w.])\w+_\w+")  # what a sentence can only mean as a name; inside another, it is spelled already


def spelled(name: str, spelling: Spelling) -> str:
    """The endpoint's name of a parameter, or of what is inside one."""
    if _MESSAGES.fullmatch(name):
        return spelling.get("messages", name)
    if name in spelling:
        return spelling[name]
    outer, dot, inner = name.partition(".")
    return spelling.get(outer, outer) + dot + inner


def respelled(error: Exception, spelling: Spelling, hints: Mapping[str, str]) -> Exception:
    """A refusal of a family's, or of a model's own, in the endpoint's words; any other error as it is.

    Args:
        hints: What to add about a parameter (by chat's name), when it is refused.
    """
    if isinstance(error, RequestRefused):
        text, name = _in_words(str(error), error.parameter, spelling)
        return InvalidRequest(text + hints.get(error.parameter, ""), parameter=name)
    if isinstance(error, InvalidRequest) and error.detail is not None:  # AWS's own words: only a model's refusal has any
        text, name = _in_words(str(error), error.parameter or "", spelling)
        return type(error)(text + hints.get(error.parameter or "", ""), parameter=name or None)
    return error


def _in_words(text: str, parameter: str, spelling: Spelling) -> tuple[str, str]:
    """A sentence, and the parameter that it is about, with the endpoint's names in them."""
    name = spelled(parameter, spelling)
    if parameter and text.startswith(parameter):
        text = name + text.removeprefix(parameter)
    return _LONG_NAME.sub(lambda found: spelled(found[0], spelling), text), name


def envelope_in(spelling: Spelling, hints: Mapping[str, str]) -> Callable[[Exception, str], tuple[int, bytes, Headers]]:
    """OpenAI's envelope, for an endpoint with names of its own."""

    def answer(error: Exception, _request_id: str = "") -> tuple[int, bytes, Headers]:
        return envelope(respelled(error, spelling, hints))

    return answer


def headers_in(spelling: Spelling) -> Callable[[Meter], Headers]:
    """The reply's headers, for an endpoint with names of its own."""

    def headers(meter: Meter) -> Headers:
        return reply_headers(meter, name=lambda parameter: spelled(parameter, spelling))

    return headers
