"""A request into what one target of a route is asked: its family, and the request as that family can honour it. Asks nobody."""

from typing import NamedTuple

from adapters import family_of, parameters
from adapters.chat import ChatRequest
from adapters.family import Family
from adapters.prompts import trained
from gateway.registry.families import spoken
from gateway.registry.model import Route, Target


class Fitted(NamedTuple):
    """A request on its way to a target.

    Attributes:
        ignored: Parameters that were dropped, to be named in ``x-quarry-ignored-parameters``.
    """

    family: Family
    request: ChatRequest
    ignored: tuple[str, ...]


def fitted(asked: ChatRequest, route: Route, target: Target) -> Fitted:
    """The family that is spoken to this target, and the request as that family can honour it.

    Where the alias has a prompt format, the last user message is in it; a prompt that the caller has written itself stays.

    Raises:
        RequestRefused: The family cannot say what is asked.
    """
    name = target.family if target.family_origin != "negotiated" else spoken(target, asked)
    family = family_of(name, target.built_in_template)
    if route.prompt is not None and asked.prompt is None:
        asked = trained.fill(asked, route.prompt, is_prompt=family.is_bare)
    request, ignored = parameters.fit(asked, family, defaults=route.defaults, ignorable=route.ignore_parameters)
    return Fitted(family, request, ignored)
