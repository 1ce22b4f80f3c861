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


def spelled(name: str, spelling: Spelling) -> str:
    """The endpoint's name of a parameter."""
    return spelling.get("messages" if _MESSAGES.fullmatch(name) else name, name)


def respelled(error: Exception, spelling: Spelling, hints: Mapping[str, str]) -> Exception:
    """A family's refusal in the endpoint's words; any other error as it is.

    Args:
        hints: What to add about a parameter (by chat's name), when it is refused.
    """
    if not isinstance(error, RequestRefused):
        return error
    name = spelled(error.parameter, spelling)
    return InvalidRequest(str(error).replace(error.parameter, name, 1) + hints.get(error.parameter, ""), parameter=name)


def envelope_in(spelling: Spelling, hints: Mapping[str, str]) -> Callable[[Exception], tuple[int, bytes, Headers]]:
    """OpenAI's envelope, for an endpoint with names of its own."""

    def answer(error: Exception) -> tuple[int, bytes, Headers]:
        return envelope(respelled(error, spelling, hints))

    return answer


def headers_in(spelling: Spelling) -> Callable[[Meter], Headers]:
    """The reply's headers, for an endpoint with names of its own."""

    def headers(meter: Meter) -> Headers:
        return reply_headers(meter, name=lambda parameter: spelled(parameter, spelling))

    return headers
