"""Every setting and how it is read: ``quarry.yaml``, the environment, all problems at once. Knows no room above it."""

from gateway.findings import Problem
from gateway.settings.load import SettingsError, content, decode, find, located
from gateway.settings.model import (
    Aws,
    Capacity,
    ChatTemplate,
    ColdStart,
    Database,
    Guardrail,
    Identify,
    Key,
    Limits,
    Prompt,
    Redis,
    Route,
    Server,
    Settings,
    Target,
    Timeouts,
    Tls,
)
from gateway.settings.show import effective, reference, unenforced

__all__ = [
    "Aws",
    "Capacity",
    "ChatTemplate",
    "ColdStart",
    "Database",
    "Guardrail",
    "Identify",
    "Key",
    "Limits",
    "Problem",
    "Prompt",
    "Redis",
    "Route",
    "Server",
    "Settings",
    "SettingsError",
    "Target",
    "Timeouts",
    "Tls",
    "content",
    "decode",
    "effective",
    "find",
    "located",
    "reference",
    "unenforced",
]
