"""Who signs our requests: AWS's whole default chain, roles assumed for single targets, a bearer token. Knows no request.

Two rules:

- A bearer token (``AWS_BEARER_TOKEN_BEDROCK``) wins over every other credential, as it does in botocore, wherever it may
  be sent: over HTTPS, and not for a target that names a role of its own, since the token speaks for another identity.
- Keys in the environment are read here, without botocore: a process that needs no more stays 24 MB smaller. Everything
  else (profiles, SSO, web identity, containers, instance metadata) and STS is aiobotocore's work, imported when asked for.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any

from gateway.bedrock.signing import Credentials
from gateway.errors import UpstreamRefused

__all__ = ["CredentialSource", "Credentials", "Renewed", "from_environment"]

AHEAD_SECONDS = 900.0  # botocore's advisory refresh; credentials that live less long are renewed after two thirds of it
RETRY_SECONDS = 5.0  # between two attempts at a service that does not give any
ROLE_SECONDS = 3600  # the longest session that chained roles may have

Fetch = Callable[[], Awaitable[Credentials]]


def from_environment(environment: Mapping[str, str]) -> Credentials | None:
    """The keys that stand in the environment itself, if both do."""
    access_key, secret_key = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key or environment.get("AWS_CREDENTIAL_EXPIRATION"):
        # Keys with an expiry are somebody's to renew: botocore knows how to tell.
        return None
    return Credentials(access_key, secret_key, environment.get("AWS_SESSION_TOKEN") or environment.get("AWS_SECURITY_TOKEN"))


class CredentialSource:
    """Every identity of this process. Made once; renews in the background what expires; closed with ``aclose``.

    Args:
        region: Where STS is asked.
        endpoint_urls: By service name; ``sts`` is honoured.
        keys: Credentials given outright, instead of any chain.
        bearer_token: Given outright; else ``AWS_BEARER_TOKEN_BEDROCK``.
        environment: Read once, for keys and token. aiobotocore reads the process's own.
        now: Unix seconds.
    """

    def __init__(
        self,
        *,
        region: str = "us-east-1",
        endpoint_urls: Mapping[str, str] | None = None,
        keys: Credentials | None = None,
        bearer_token: str | None = None,
        session_name: str = "quarry",
        environment: Mapping[str, str] = os.environ,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.bearer_token = bearer_token or environment.get("AWS_BEARER_TOKEN_BEDROCK") or None
        self._region = region
        self._sts_url = (endpoint_urls or {}).get("sts")
        self._session_name = session_name
        self._now = now
        self._own = Renewed(_from_chain, now=now, first=keys or from_environment(environment))
        self._roles: dict[str, Renewed] = {}

    def current(self, role_arn: str | None = None) -> Credentials | None:
        """Credentials that are valid now, without waiting; ``None``: they have to be fetched first."""
        return self._renewed(role_arn).current()

    async def fetch(self, role_arn: str | None = None) -> Credentials:
        """Credentials that are valid now. Callers who come together wait for one fetch.

        Raises:
            UpstreamRefused: There are none: nothing in the chain, the role refuses us, or the service that gives them fails.
        """
        return await self._renewed(role_arn).get()

    async def aclose(self) -> None:
        """Stop renewing."""
        for renewed in (self._own, *self._roles.values()):
            await renewed.aclose()

    def _renewed(self, role_arn: str | None) -> "Renewed":
        if role_arn is None:
            return self._own
        renewed = self._roles.get(role_arn)
        if renewed is None:
            renewed = self._roles[role_arn] = Renewed(lambda: self._assume(role_arn), now=self._now)
        return renewed

    async def _assume(self, role_arn: str) -> Credentials:
        own = await self._own.get()
        session, config = await _botocore()
        client = session.create_client(
            "sts",
            region_name=self._region,
            endpoint_url=self._sts_url,
            aws_access_key_id=own.access_key,
            aws_secret_access_key=own.secret_key,
            aws_session_token=own.token,
            config=config,
        )
        async with client as sts:
            reply = await sts.assume_role(RoleArn=role_arn, RoleSessionName=self._session_name, DurationSeconds=ROLE_SECONDS)
        given = reply["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"].timestamp())


class Renewed:
    """Credentials that are fetched once for all who wait, renewed ahead of expiry, and used for as long as they are valid.

    A service that fails is asked again no sooner than ``RETRY_SECONDS`` later; until then, and while anything valid is
    left, nobody notices.
    """

    def __init__(self, fetch: Fetch, *, now: Callable[[], float], first: Credentials | None = None) -> None:
        self._fetch = fetch
        self._now = now
        self._held: Credentials | None = None
        self._renew_at = float("inf")
        self._failure: UpstreamRefused | None = None
        self._not_before = 0.0
        self._running: asyncio.Task[None] | None = None
        if first is not None:
            self._hold(first)

    def current(self) -> Credentials | None:
        """What is valid now; begins to renew it in the background when that is due."""
        held = self._held
        if held is None or held.expires is None:
            return held
        moment = self._now()
        if moment >= self._renew_at and moment >= self._not_before:
            self._begin()
        return held if moment < held.expires else None

    async def get(self) -> Credentials:
        """What is valid now, fetched if need be.

        Raises:
            UpstreamRefused: Nothing is.
        """
        held = self.current()
        if held is not None:
            return held
        if self._running is None and self._failure is not None and self._now() < self._not_before:
            raise self._refusal()
        # Shielded: a caller who leaves does not take the others' credentials along.
        await asyncio.shield(self._begin())
        if self._held is None or self._failure is not None:
            raise self._refusal()
        return self._held

    async def aclose(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def _begin(self) -> "asyncio.Task[None]":
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._renew())
        return self._running

    async def _renew(self) -> None:
        try:
            self._hold(await self._fetch())
        except Exception as error:  # noqa: BLE001 - botocore, sockets and files fail in a hundred ways, all meaning "none"
            self._failure = _refused(error)
            self._not_before = self._now() + RETRY_SECONDS
        finally:
            self._running = None

    def _hold(self, credentials: Credentials) -> None:
        self._held = credentials
        self._failure = None
        if credentials.expires is not None:
            lifetime = credentials.expires - self._now()
            self._renew_at = credentials.expires - min(AHEAD_SECONDS, lifetime / 3)

    def _refusal(self) -> UpstreamRefused:
        assert self._failure is not None
        return _refused(self._failure.detail)


def _refused(cause: object) -> UpstreamRefused:
    return UpstreamRefused("This gateway has no valid AWS credentials; its operator has to look at the logs", detail=f"{cause}")


async def _from_chain() -> Credentials:
    """AWS's default chain from its beginning, each time: a rotated file or a new metadata endpoint is noticed."""
    session, _ = await _botocore()
    found = await session.get_credentials()
    if found is None:
        raise LookupError("AWS's default chain holds no credentials")
    frozen = await found.get_frozen_credentials()
    # Only botocore's renewable kinds have the attribute; there is no public way to ask them.
    expires = getattr(found, "_expiry_time", None)
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token, expires.timestamp() if expires else None)


async def _botocore() -> tuple[Any, Any]:
    """A new aiobotocore session and the settings of its clients: one attempt, since retrying is ours, and short waits."""
    # In a thread, because the first import takes half a second.
    sessions, configs = await asyncio.to_thread(
        lambda: (import_module("aiobotocore.session"), import_module("aiobotocore.config"))
    )
    config = configs.AioConfig(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
    return sessions.get_session(), config
