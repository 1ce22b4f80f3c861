"""Which file, what overrides it, and every problem at once. Knows no room: cross checks of aliases and keys are theirs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway.findings import Problem
from gateway.settings.model import Settings
from gateway.settings.source import MAX_BYTES, Source, Substituted, read
from gateway.settings.walk import Walk

DEFAULT_FILE = "quarry.yaml"

# An environment variable, and the setting it takes the place of, whatever the file says.
OVERRIDES = (
    ("QUARRY_PORT", ("server", "port")),
    ("QUARRY_REDIS_URL", ("redis", "url")),
    ("QUARRY_DATABASE_URL", ("database", "url")),
)
# AWS's own variables only fill what the file leaves open, as they do for AWS's tools.
FALLBACKS = (
    ("AWS_REGION", ("aws", "region")),
    ("AWS_DEFAULT_REGION", ("aws", "region")),
)

_NO_FILE = """there is no configuration: no --config, no QUARRY_CONFIG, and no quarry.yaml in this directory.
Write one that begins like this:

  models:
    my-model:
      targets:
        - arn: arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1b2c3d4e5f6
          family: claude
  keys:            # printed by: quarry keys create --name my-backend

or try Quarry without an AWS account: quarry serve --sandbox"""


class SettingsError(Exception):
    """The configuration cannot be used.

    Attributes:
        problems: Every one of them, in the order of the file where they stand in one.
        name: What was read, for people: a path.
    """

    def __init__(self, problems: Iterable[Problem], name: str = "") -> None:
        self.problems = list(problems)
        self.name = name
        super().__init__(self.name, self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if not self.name:
            return "\n".join(lines)
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        return "\n  ".join([f"{self.name} has {count}:", *lines])


def find(path: Path | None, environ: Mapping[str, str]) -> Path:
    """The file to read: the one named, else ``QUARRY_CONFIG``, else ``quarry.yaml`` here.

    Raises:
        SettingsError: There is none; the message says what to write.
    """
    if path is not None:
        return path
    if environ.get("QUARRY_CONFIG"):
        return Path(environ["QUARRY_CONFIG"])
    if Path(DEFAULT_FILE).is_file():
        return Path(DEFAULT_FILE)
    raise SettingsError([Problem("", _NO_FILE)])


def content(path: Path) -> bytes:
    """The bytes of a configuration file, at most one more than may be read.

    Raises:
        SettingsError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError([Problem("", f"cannot be read: {error.strerror or error}")], str(path)) from error


def decode(text: bytes, environ: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    """What a configuration's text says, and what is wrong with it.

    The settings hold all that could be understood, with defaults in place of the rest, so that the rooms can add what
    they find wrong; they must not be served while there are problems.
    """
    source = _overridden(read(text, environ), environ)
    walk = Walk(source)
    settings = walk.struct(source.values, Settings, "")
    return settings, sorted(walk.problems, key=lambda problem: problem.line or 0)


def located(problems: Iterable[Problem], text: bytes) -> list[Problem]:
    """The problems in the order of the file, each with its line, or that of the nearest heading above what is missing.

    The rooms that look at meanings know no lines; this gives them back, at the price of reading the text again.
    """
    lines = read(text, {}).lines
    known = [problem._replace(line=problem.line or _line(problem.path, lines)) for problem in problems]
    return sorted(known, key=lambda problem: problem.line or 0)


def _line(path: str, lines: Mapping[str, int]) -> int | None:
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines[path] if path else None


def _overridden(source: Source, environ: Mapping[str, str]) -> Source:
    values = source.values if source.values is not None else {}
    if not isinstance(values, dict):
        return source
    for name, (section, field) in OVERRIDES:
        if environ.get(name):
            values = _with(values, section, field, name, environ[name])
    for name, (section, field) in FALLBACKS:
        if environ.get(name) and not (isinstance(values.get(section), dict) and values[section].get(field) is not None):
            values = _with(values, section, field, name, environ[name])
    return source._replace(values=values)


def _with(values: dict[str, Any], section: str, field: str, name: str, text: str) -> dict[str, Any]:
    entries = values.get(section)
    if entries is not None and not isinstance(entries, dict):
        return values  # the walk will say what is wrong with the section
    value = Substituted(text)
    value.written = f"${{{name}}}"
    return values | {section: (entries or {}) | {field: value}}
