"""Canonical chat to native bodies and back. Pure: no clock, no network, no logging, no framework."""

from difflib import get_close_matches

from adapters.families import BARES, EMBEDDERS, FAMILIES, family_of
from adapters.family import Family
from adapters.prompts.templates import TEMPLATES

__all__ = ["BARES", "EMBEDDERS", "FAMILIES", "TEMPLATES", "UnknownFamily", "family_named", "family_of"]


class UnknownFamily(KeyError):
    """No family of that name; the message offers the nearest one."""

    def __str__(self) -> str:
        return str(self.args[0])


def family_named(name: str) -> Family:
    """The family that the configuration calls ``name``.

    Raises:
        UnknownFamily: There is none; a ``KeyError``.
    """
    family = FAMILIES.get(name)
    if family is None:
        near = get_close_matches(name, FAMILIES, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(sorted(FAMILIES))}"
        raise UnknownFamily(f'no family is called "{name}": {hint}')
    return family
