"""docs/bedrock.md is run against a gateway process, and its table compared with what boto3 does."""

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.configuration import check
from gateway.settings import Key, Settings, decode
from gateway.surface.bedrock.headers import PASSED_ON
from gateway.surface.bedrock.parse import ADDITIONAL
from tests.docs import tables
from tests.docs.pages import SHOWN_URL, blocks, check_table, listening, looks_like
from tests.referees.bedrock.calls import collect_sockets
from tests.stack import digest

PAGE = Path("docs/bedrock.md")
TEXT = PAGE.read_text()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A `quarry serve --sandbox` of this page's own."""
    with listening("--sandbox") as event:
        yield event["url"]


def test_python_examples_print_what_is_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, as they stand but for the port, with nothing but the key in the environment."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "sandbox")
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in blocks(PAGE, "python"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.text.replace(SHOWN_URL, url), str(PAGE), "exec"), namespace)

        assert block.output is not None
        assert looks_like(block.output, printed.getvalue()), printed.getvalue()
    namespace.clear()
    collect_sockets()


def test_the_configuration_has_no_problem() -> None:
    """What can be copied from the page is accepted, the pepper taken from the environment."""
    (text,) = re.findall(r"^   ```yaml\n(.*?)^   ```$", TEXT, re.MULTILINE | re.DOTALL)
    settings, problems = decode(text.encode(), {"QUARRY_SIGV4_PEPPER": "0123456789abcdef" * 4})
    keys = (Key(name="search", hash=digest("one"), sigv4=True),)

    assert check(Settings(server=settings.server, keys=keys), name="page", problems=problems).keys[0].sigv4


def test_the_table_of_errors_is_current() -> None:
    """One row for each name, with what botocore does; QUARRY_REWRITE=1 writes it anew."""
    check_table(PAGE, "errors", tables.aws_errors())


def test_every_header_and_field_is_told() -> None:
    """Nothing goes on, and nothing is understood, that the page does not name."""
    told = TEXT.lower()

    assert [name for name in PASSED_ON if name.decode() not in told] == []
    assert [name for name in ADDITIONAL if f"`{name}" not in TEXT] == []
