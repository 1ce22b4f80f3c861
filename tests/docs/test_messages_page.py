"""docs/messages.md: its table of errors is made from the code."""

import inspect
from pathlib import Path

from gateway import errors
from gateway.errors import GatewayError
from gateway.surface.anthropic.problems import WORDS, envelope, word_of
from tests.docs.pages import check_table

PAGE = Path("docs/messages.md")
TRAITS = (*WORDS, errors.ModelFailed, errors.UpstreamRefused)


def errors_table() -> str:
    """One row for each class of error: its status and type, and whether the SDK repeats it."""
    rows = []
    for kind in TRAITS:
        error = kind("POST")
        status, _, headers = envelope(error)
        says = "a mistake of the gateway's own" if kind is GatewayError else (inspect.getdoc(kind) or "").partition("\n")[0]
        repeats = status >= 429 and (b"x-should-retry", b"false") not in headers
        rows.append((status, word_of(error).type, says.rstrip(".").replace("``", "`"), "yes" if repeats else "no"))
    lines = ["| status | type | when | the SDK repeats it |", "|---|---|---|---|"]
    lines += [f"| {status} | `{word}` | {says} | {repeats} |" for status, word, says, repeats in sorted(rows)]
    return "\n".join(lines) + "\n"


def test_the_errors_are_the_codes() -> None:
    """Every error that a caller can meet, with its status and type. QUARRY_REWRITE=1 writes the table anew."""
    check_table(PAGE, "errors", errors_table())
