"""Bedrock's control plane, its reads alone: an identifier in, what AWS says of it out. Knows no family and no target.

Reads change nothing and cost nothing, so they are tried again here, within the caller's deadline; nobody else does.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from gateway.bedrock import faults
from gateway.bedrock.client import Client, Timeouts
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.facts import Fact
from gateway.bedrock.hosts import Endpoint, endpoint
from gateway.bedrock.signing import Credentials, sign
from gateway.errors import GatewayError, UpstreamError, UpstreamRefused

SERVICE = "bedrock"
ATTEMPTS = 4
FIRST_DELAY_SECONDS = 0.4  # doubles with each attempt; a delay is drawn from the whole span
CONNECT_SECONDS = 5.0
REPLY_SECONDS = 10.0
_LEAST_SKEW_SECONDS = 60.0  # as in the runtime: less is not worth believing a stranger's clock for

F = TypeVar("F", bound=Fact)


class ReadFailed(Exception):
    """A read that gave no answer.

    Attributes:
        operation: AWS's; ``bedrock:<operation>`` is the IAM action that allows it.
        name: AWS's name for the error; ``""`` when it gave none.
        error: The same through the fault table; its ``detail`` holds AWS's own words.
    """

    def __init__(self, operation: str, name: str, error: GatewayError) -> None:
        super().__init__(f"{operation}: {name or type(error).__name__}")
        self.operation = operation
        self.name = name
        self.error = error


class Question(NamedTuple):
    """One read, as it is asked at every attempt.

    Attributes:
        role_arn: The role to ask as, ``None`` for the gateway's own identity.
        deadline: Monotonic seconds, for all attempts together.
    """

    fact: type[Fact]
    identifier: str
    region: str
    role_arn: str | None
    deadline: float


class Answer(NamedTuple):
    """A whole reply."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class Control:
    """The control plane, for any number of regions and identities. Closes nothing: what it is given is another's.

    Args:
        endpoint_urls: Overrides by service name; ``bedrock`` is honoured.
        fips, dual_stack: The values of ``AWS_USE_FIPS_ENDPOINT`` and ``AWS_USE_DUALSTACK_ENDPOINT``.
        now: Unix seconds, for signatures.
        sleep: Waits before another attempt.
    """

    def __init__(
        self,
        client: Client,
        credentials: CredentialSource,
        *,
        endpoint_urls: Mapping[str, str],
        fips: bool = False,
        dual_stack: bool = False,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._endpoint_urls = dict(endpoint_urls)
        self._fips = fips
        self._dual_stack = dual_stack
        self._now = now
        self._sleep = sleep
        self._skew_seconds = 0.0

    async def read(self, fact: type[F], identifier: str, *, region: str, role_arn: str | None = None, deadline: float) -> F:
        """One fact, by ARN, name or id.

        Args:
            role_arn: The role to ask as, instead of the gateway's own identity.
            deadline: Monotonic seconds, for all attempts together.

        Raises:
            ReadFailed: AWS refused, or could not be asked in time.
        """
        question = Question(fact, identifier, region, role_arn, deadline)
        for attempt in range(1, ATTEMPTS):
            try:
                return _read(fact, await self._answer(question))
            except ReadFailed as failure:
                delay = failure.error.retry_after_seconds or random.uniform(0, FIRST_DELAY_SECONDS * 2 ** (attempt - 1))  # noqa: S311 - no secret depends on it
                if not _may_pass(failure.error) or monotonic() + delay >= deadline:
                    raise
            await self._sleep(delay)
        return _read(fact, await self._answer(question))

    async def _answer(self, question: Question) -> Answer:
        """One attempt. A signature that was refused for our clock's sake is made again, once."""
        try:
            answer = await self._ask(question)
            if answer.status != HTTPStatus.OK and faults.is_signature_error(answer.headers, answer.body):
                answer = await self._ask(question) if self._learn_skew(answer.headers) else answer
        except GatewayError as error:
            raise ReadFailed(question.fact.operation, "", error) from error
        return answer

    async def _ask(self, question: Question) -> Answer:
        timeouts = Timeouts(CONNECT_SECONDS, REPLY_SECONDS, REPLY_SECONDS, question.deadline)
        place = endpoint(SERVICE, question.region, self._endpoint_urls, fips=self._fips, dual_stack=self._dual_stack)
        # As in the runtime: a bearer token goes over HTTPS, and for our own identity, alone.
        token = self._credentials.bearer_token if question.role_arn is None and place.origin.scheme == "https" else None
        credentials = None if token else await self._signer(question.role_arn, timeouts)
        reply = await self._client.send(place.origin, self._request(question, place, credentials, token), timeouts)
        try:
            return Answer(reply.status, reply.headers, await reply.whole())
        finally:
            reply.close()

    async def _signer(self, role_arn: str | None, timeouts: Timeouts) -> Credentials:
        try:
            async with asyncio.timeout(timeouts.until(REPLY_SECONDS) - monotonic()):
                return self._credentials.current(role_arn) or await self._credentials.fetch(role_arn)
        except TimeoutError as error:
            raise timeouts.expired("credentials did not come") from error

    def _request(self, question: Question, place: Endpoint, credentials: Credentials | None, token: str | None) -> bytes:
        # The whole identifier is one label of the path, so ":" and "/" are both encoded.
        path = f"{place.base_path}{question.fact.path}{quote(question.identifier, safe='')}"
        headers = {"accept": "application/json"}
        if credentials is None:
            headers |= {"host": place.host_header, "authorization": f"Bearer {token}"}
        else:
            headers = sign(
                credentials,
                host=place.host_header,
                path=path,
                body=b"",
                headers=headers,
                region=question.region,
                at=self._now() + self._skew_seconds,
                service=SERVICE,
                method="GET",
            )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"GET {path} HTTP/1.1\r\n{lines}user-agent: quarry\r\n\r\n".encode()

    def _learn_skew(self, headers: Mapping[bytes, bytes]) -> bool:
        """After a refused signature: whether AWS's clock says something about ours that we did not know."""
        try:
            skew = parsedate_to_datetime(headers[b"date"].decode("latin-1")).timestamp() - self._now()
        except (KeyError, ValueError):
            return False
        if abs(skew - self._skew_seconds) < _LEAST_SKEW_SECONDS:
            return False
        self._skew_seconds = skew
        return True


def _read(fact: type[F], answer: Answer) -> F:
    if answer.status != HTTPStatus.OK:
        error = faults.from_reply(answer.status, answer.headers, answer.body)
        raise ReadFailed(fact.operation, faults.name_of(answer.headers, answer.body), error)
    try:
        return msgspec.json.decode(answer.body, type=fact)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        unread = UpstreamError("AWS's answer could not be read", detail=f"{fact.operation}: {error}")
        raise ReadFailed(fact.operation, "", unread) from error


def _may_pass(error: GatewayError) -> bool:
    """Whether the same read may succeed a moment later. What AWS refuses it will refuse again."""
    return error.retryable and not isinstance(error, UpstreamRefused)
