"""Settings shown to people: in effect with secrets masked, what is not enforced yet, and the reference table."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from gateway.findings import masked, step
from gateway.settings.model import Limits, Route, Settings
from gateway.settings.walk import unwrapped
from gateway.settings.words import words

_HASH_DIGITS_SHOWN = 12  # as many as a key's id has, so that the two can be told to belong together


def effective(settings: Settings) -> dict[str, Any]:
    """Every setting with its value in effect, as plain values that may be shown: secrets masked, nothing left out."""
    shown: dict[str, Any] = _without_secrets(msgspec.to_builtins(settings))
    for key in shown["keys"]:
        key["hash"] = key["hash"][: len("sha256:") + _HASH_DIGITS_SHOWN] + "…"
    if shown["server"]["sigv4_pepper"] is not None:
        shown["server"]["sigv4_pepper"] = "***"
    return shown


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(entry) for entry in value]
    return masked(value) if isinstance(value, str) else value


def unenforced(settings: Settings) -> list[str]:
    """What the file says and this version reads, but does not act on yet: a path and a sentence each."""
    return [f"{path}: {sentence}" for path, sentence in _unenforced(settings)]


def _unenforced(settings: Settings) -> Iterator[tuple[str, str]]:
    server = settings.server
    if server.workers > 1:
        yield "server.workers", f"{server.workers} processes are not started yet; one is. Scale by replicas."
    if server.metrics_port is not None:
        yield "server.metrics_port", f"no port of its own yet; /metrics is on port {server.port} and needs a key."
    if settings.redis is not None:
        yield "redis", "not used yet; nothing is shared between replicas."
    if settings.database is not None:
        yield "database", "not used yet; usage is in the log and the metrics only."
    yield from _limits("limits", settings.limits)
    for alias, route in settings.models.items():
        yield from _route(step("models", alias), route)
    for index, key in enumerate(settings.keys):
        yield from _limits(step(step("keys", index), "limits"), key.limits)


def _limits(path: str, limits: Limits) -> Iterator[tuple[str, str]]:
    for name, amount in msgspec.structs.asdict(limits).items():
        if amount is not None:
            yield step(path, name), f"not enforced yet; nobody is held to {amount}."


def _route(path: str, route: Route) -> Iterator[tuple[str, str]]:
    for index, target in enumerate(route.targets):
        place = step(step(path, "targets"), index)
        for name, amount in msgspec.structs.asdict(target.capacity).items():
            if amount is not None:
                yield step(step(place, "capacity"), name), f"not enforced yet; more than {amount} may be sent."
        if target.cold_start.keep_warm != "never":
            yield step(step(place, "cold_start"), "keep_warm"), "not acted on yet; the model goes cold when nobody asks."


def reference() -> str:
    """The table of all settings for docs/configuration.md, in Markdown, section by section."""
    return "\n".join(_sections(Settings, ""))


def _sections(kind: type[Struct], path: str) -> Iterator[str]:
    heading = f"### `{path}`" if path else "### The file"
    yield from (heading, "", _summary(kind), "", "| setting | value | default | meaning |", "|---|---|---|---|")
    yield from (_row(field) for field in fields(kind))
    yield ""
    for field in fields(kind):
        below = _section_below(field.type, step(path, field.name))
        if below is not None:
            yield from _sections(*below)


def _section_below(kind: Any, path: str) -> tuple[type[Struct], str] | None:
    bare, _ = unwrapped(kind)
    if get_origin(bare) is dict:
        return _section_below(get_args(bare)[1], f"{path}.ALIAS")
    if get_origin(bare) is tuple:
        return _section_below(get_args(bare)[0], f"{path}[]")
    return (bare, path) if isinstance(bare, type) and issubclass(bare, Struct) else None


def _summary(kind: type[Struct]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _row(field: FieldInfo) -> str:
    note = _note(field.type)
    unit = (note.extra or {}).get("unit")
    value = words(field.type) + (f", in {unit}" if unit and unit != "per minute" else f", {unit}" if unit else "")
    return f"| `{field.name}` | {value} | {_default(field)} | {note.description} |"


def _note(kind: Any) -> msgspec.Meta:
    """The annotation that describes the field; others only bound its value."""
    notes = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next(note for note in notes if isinstance(note, msgspec.Meta) and note.description)


def _default(field: FieldInfo) -> str:
    if field.required:
        return "required"
    default = field.default if field.default is not NODEFAULT else field.default_factory()
    if default is None or default in ("", (), {}) or isinstance(default, Struct):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return "`[" + ", ".join(f'"{entry}"' if entry == "*" else str(entry) for entry in default) + "]`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
