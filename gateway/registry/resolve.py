"""Alias and key to route. A look-up and a verdict; knows neither targets' health nor HTTP."""

from typing import Protocol

from gateway.errors import ModelNotAllowed, ModelNotFound
from gateway.findings import nearest, quoted
from gateway.registry.model import Route, Snapshot


class Caller(Protocol):
    """Whoever asks, as far as a look-up needs: ``keys.model.Key`` is one."""

    def may_use(self, alias: str) -> bool: ...


def resolve(snapshot: Snapshot, alias: str, key: Caller) -> Route:
    """The route of an alias that the key may use.

    The key is asked first: outside its globs the answer is the same whether or not the alias exists, so a key cannot
    learn the names of models that are not its own.

    Raises:
        ModelNotAllowed: None of the key's globs covers the alias.
        ModelNotFound: The key might use it, but there is no such alias.
    """
    route = snapshot.routes.get(alias)
    if route is not None and key.may_use(alias):
        return route
    raise _refusal(snapshot, alias, key)


def _refusal(snapshot: Snapshot, alias: str, key: Caller) -> ModelNotAllowed | ModelNotFound:
    if not key.may_use(alias):
        return ModelNotAllowed(
            f'This key may not use the model {quoted(alias)}. GET /v1/models lists the ones it may; its "models" setting decides.',
            parameter="model",
        )
    close = nearest(alias, [name for name in snapshot.routes if key.may_use(name)])
    advice = f'Did you mean "{close}"?' if close else "GET /v1/models lists the models that this key may use."
    return ModelNotFound(f"There is no model {quoted(alias)}. {advice}", parameter="model")
