"""What an alias or a target may be called: text that is safe in a URL path's segment, a header and a metric's label."""

import re

NAME_WORDS = "1 to 128 letters, digits or . _ : / - and begin with a letter or digit"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")


def is_name(text: str) -> bool:
    """Whether it may name an alias or a target."""
    return _NAME.fullmatch(text) is not None
