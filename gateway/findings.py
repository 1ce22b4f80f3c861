"""What is wrong with a configuration, said by several rooms in one shape, with secrets kept out. Knows no file and no section."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import NamedTuple

# Two forms in which a secret stands inside a longer text: a gateway key, and the password of a URL.
_GATEWAY_KEY = re.compile(r"qk_([A-Za-z0-9]{1,32})_[A-Za-z0-9_-]+")
_URL_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]{0,31}://[^/?#\s@:]{0,256}):[^/?#\s]*@", re.IGNORECASE)

_LONGEST_COMPARED = 128  # difflib is quadratic, and the name may be a caller's text


class Problem(NamedTuple):
    """One thing to mend before the configuration can be used.

    Attributes:
        path: Where it stands: ``models.support.targets[1].arn``; empty for the file as a whole.
        message: What is wrong and what to write, naming the offending value where it is no secret.
        line: Its line in the file, from 1; ``None`` when it stands in no file.
    """

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        place = f"{self.path} ({line})" if self.path and line else self.path or line
        return f"{place}: {self.message}" if place else self.message


def step(path: str, key: str | int) -> str:
    """The path of one entry below ``path``; names that would read as several steps are quoted."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if re.fullmatch(r"[A-Za-z0-9_-]+", key):
        return f"{path}.{key}" if path else key
    return f"{path}[{quoted(key)}]"


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that ``name`` was probably meant to be, or ``None``."""
    if len(name) > _LONGEST_COMPARED:
        return None
    return next(iter(get_close_matches(name.lower(), known, n=1, cutoff=0.6)), None)


def suggestion(name: str, known: Collection[str]) -> str:
    """``did you mean "x"?`` where something is near, else the known names."""
    close = nearest(name, known)
    if close is not None:
        return f'did you mean "{close}"?'
    return f"known are {', '.join(sorted(known))}" if known else "none is known"


def quoted(value: object) -> str:
    """A value as a message may show it: short, on one line, its secrets masked."""
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, str):
        text = masked(value)
        return '"' + (text if len(text) <= _LONGEST_COMPARED else text[:_LONGEST_COMPARED] + "…").replace("\n", "\\n") + '"'
    return "a mapping" if isinstance(value, dict) else "a list"


def masked(text: str) -> str:
    """The text with gateway keys and the passwords of URLs replaced by ``***``."""
    return _URL_PASSWORD.sub(r"\1:***@", _GATEWAY_KEY.sub(r"qk_\1_***", text))
