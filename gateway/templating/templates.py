"""What the targets' own files say: their chat templates, and the tokens of a request.

Read from S3 at the start, before a reload, and now and then; never for a request's sake. A request finds what is there: a
prompt written by the model's own template, or nothing, and then the family's built-in template writes it.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from msgspec.structs import replace

from adapters import FAMILIES
from adapters.chat import ChatRequest, Image
from adapters.deltas import Usage
from adapters.errors import RequestRefused
from adapters.family import Family
from gateway.bedrock.objects import Objects, folder
from gateway.errors import GatewayError, PromptNotWritten
from gateway.registry.model import Target
from gateway.templating import jobs
from gateway.templating.model import Count, Facts, Model, Written
from gateway.templating.processes import Broken, Processes
from gateway.templating.shelf import Shelf
from gateway.templating.source import Source
from gateway.usage import estimate

REFRESH_SECONDS = 600.0
RETRY_SECONDS = 30.0  # while something could not be read
FIRST_SECONDS = 15.0


class Templates:
    """The templates and tokenizers of all targets of this process. Belongs to one event loop.

    Args:
        objects: Where files are read; ``None``: nowhere, so that every target has its family's template.
        warn: Told whenever a target's lot becomes worse, in a sentence.
        follows_cards: Files are looked for where AWS says that a model was imported from, too.
        first_seconds: How long the start, and a reload, wait for S3.
        refresh_seconds: Between two looks at what is there.
    """

    def __init__(
        self,
        objects: Objects | None = None,
        *,
        warn: Callable[[str], None] = lambda _: None,
        follows_cards: bool = True,
        first_seconds: float = FIRST_SECONDS,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        self._prompts = Processes("prompts")
        self._tokens = Processes("tokens")
        self._shelf = Shelf(objects, self._prompts, self._tokens) if objects is not None else None
        self._warn = warn
        self._follows_cards = follows_cards
        self._first_seconds = first_seconds
        self._refresh_seconds = refresh_seconds
        self._models: dict[str, Model] = {}
        self._facts: dict[str, Facts] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # For a request.

    async def applied(self, target: Target, family: Family, request: ChatRequest) -> tuple[ChatRequest, str | None]:
        """The request with its prompt written by the model's own template, and that one's digest; or as it is, and ``None``.

        Args:
            family: The one that is spoken to the target, and that the request was fitted to.

        Raises:
            RequestRefused, PromptNotWritten, Overloaded: As ``write``.
        """
        if "prompt" not in family.accepts or target.name not in self._models:
            return request, None
        presented, beginning = family.presented(request)
        try:
            written = await self.write(target, presented)
        except RequestRefused as error:
            raise _in_callers_words(error, request) from error
        if written is None:
            return request, None
        return replace(request, prompt=written.prompt + beginning), written.sha256

    async def write(self, target: Target, request: ChatRequest) -> Written | None:
        """The prompt by the model's own chat template; ``None``: the family's writes it.

        Args:
            request: Fitted to the target's family. One that has a prompt already keeps it.

        Raises:
            RequestRefused: The template cannot write this conversation.
            PromptNotWritten: It overstepped its bounds over it.
            Overloaded: Too many prompts are being written.
        """
        model = self._models.get(target.name)
        if model is None or request.prompt is not None:
            return None
        return Written(await self._written(model, request), model.checkpoint.sha256)

    async def count(self, target: Target, request: ChatRequest) -> Count:
        """The tokens of the whole prompt that this target would be sent: messages, tools, and the template's own words.

        Raises:
            RequestRefused: The model's chat template cannot write this conversation.
            PromptNotWritten: It, or the tokenizer, overstepped its bounds over it.
            Overloaded: Too many prompts are being written.
        """
        model = self._models.get(target.name)
        if model is None or model.tokenizer is None or _has_image(request):
            return Count(estimate.prompt_tokens(request), exact=False)
        prompt = request.prompt if request.prompt is not None else await self._written(model, request)
        answer = await self._asked(self._tokens, jobs.Count(model.tokenizer_key, prompt), model.learn)
        if not isinstance(answer, jobs.Counted):
            raise _failure(answer)
        return Count(answer.tokens, exact=True)

    async def recounted(self, target: Target, request: ChatRequest, usage: Usage) -> Usage:
        """An estimated usage with the prompt's tokens counted, where that can be done; else the estimate as it is."""
        with contextlib.suppress(GatewayError, RequestRefused):
            counted = await self.count(target, request)
            if counted.exact:
                return replace(usage, input_tokens=counted.tokens)
        return usage

    def facts(self, target: Target) -> Facts:
        """What writes this target's prompts."""
        return self._facts.get(target.name, Facts())

    # From the start to the end.

    async def start(self, targets: Callable[[], Iterable[Target]]) -> None:
        """Read everything, as far as S3 answers in time, and go on looking at it.

        Args:
            targets: Those that are served, whenever it is asked.
        """
        await self.prepare(targets())
        self._begin(self._keep(targets))

    async def prepare(self, targets: Iterable[Target]) -> None:
        """Read what is new among these, before they are served. What S3 does not give in time comes later.

        Those that are served until then keep what they have.
        """
        served = list(targets)
        if self._shelf is None or all(target.chat_template is None for target in served):
            self._settle(served, beside=True)
            return
        reading = self._begin(self._refresh(self._shelf, served, only_new=True))
        await asyncio.wait({reading}, timeout=self._first_seconds)
        if not reading.done():
            self._settle(served, beside=True)

    async def refresh(self, targets: Iterable[Target]) -> None:
        """Read the files of these targets again, where they have changed."""
        if self._shelf is not None:
            await self._refresh(self._shelf, list(targets), only_new=False)

    async def aclose(self) -> None:
        """Stop reading, and end every process."""
        for task in (running := tuple(self._tasks)):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._prompts.aclose()
        await self._tokens.aclose()

    def _begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _keep(self, targets: Callable[[], Iterable[Target]]) -> None:
        while True:
            wait = self._refresh_seconds if self._shelf is None or self._shelf.is_settled else RETRY_SECONDS
            # Replicas that were started together do not ask together.
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311
            try:
                await self.refresh(targets())
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the looking for good
                self._warn(f"chat templates were not looked at again: {type(error).__name__}")

    async def _refresh(self, shelf: Shelf, served: list[Target], *, only_new: bool) -> None:
        wanted = [source for target in served if isinstance(source := self._source(target), Source)]
        await shelf.look(wanted, only_new=only_new)
        self._settle(served, beside=only_new)

    def _settle(self, served: list[Target], *, beside: bool) -> None:
        """Put in use what was found, and tell of every target whose lot has become worse."""
        models, facts = {}, {}
        for target in served:
            if target.chat_template is None or self._shelf is None:
                continue
            model, facts[target.name] = self._lot(target, self._shelf)
            if model is not None:
                models[target.name] = model
            problem = facts[target.name].problem
            is_expected = facts[target.name].source is None and not target.chat_template.is_written
            if problem is not None and problem != self.facts(target).problem and not is_expected:
                self._warn(f"target {target.name}: {_consequence(target, facts[target.name])}: {problem}")
        self._models, self._facts = (self._models | models, self._facts | facts) if beside else (models, facts)

    def _source(self, target: Target) -> Source | str | None:
        """Where a target's files are; or why nobody knows; or ``None`` where nobody wants them."""
        chosen, card = target.chat_template, target.card
        if chosen is None:
            return None
        uri = chosen.source or (card.source_uri if card is not None and self._follows_cards else None)
        if uri is None:
            return "it is not known where the model's files are: write chat_template.source"
        try:
            return Source(folder(uri), target.region, target.role_arn)
        except ValueError as error:
            return f"{uri}: {error}"

    def _lot(self, target: Target, shelf: Shelf) -> tuple[Model | None, Facts]:
        source = self._source(target)
        if not isinstance(source, Source):
            return None, Facts(problem=source)
        read, place = shelf.read(source), str(source.folder)
        if read.model is None:
            return None, Facts(source=place, problem=read.problem)
        digest = read.model.checkpoint.sha256
        pinned = target.chat_template.sha256 if target.chat_template is not None else None
        if pinned is not None and pinned != digest:
            return None, Facts(
                place, digest, problem=f"the sha256 of its template is {digest}, and chat_template.sha256 wants {pinned}"
            )
        exact = read.model.tokenizer is not None
        return read.model, Facts(place, digest, in_use=True, problem=read.problem or None, exact_tokens=exact)

    async def _written(self, model: Model, request: ChatRequest) -> str:
        answer = await self._asked(self._prompts, jobs.Write(model.key, _lighter(request)), model.prepare)
        if not isinstance(answer, jobs.Written):
            raise _failure(answer)
        return answer.prompt

    async def _asked(self, processes: Processes, job: jobs.Write | jobs.Count, prepare: Callable[[], jobs.Job]) -> jobs.Answer:
        try:
            return await processes.ask(job.key, job, prepare=prepare)
        except Broken as error:
            return jobs.Failed(str(error))


def _in_callers_words(error: RequestRefused, request: ChatRequest) -> RequestRefused:
    """An answer to a schema is had by a tool that the caller knows nothing of: what is refused then is the schema."""
    if error.parameter != "tools" or request.tools:
        return error
    return RequestRefused(f"response_format is had by a tool, and {error}", parameter="response_format")


def _consequence(target: Target, facts: Facts) -> str:
    if facts.in_use:
        return "the model's own chat template is in use"
    if "prompt" not in FAMILIES[target.family].accepts:
        return "Bedrock writes the prompts of chats, and prompts alone go as they stand"
    return f'prompts are written by the built-in template of family "{target.family}"'


def _failure(answer: jobs.Answer) -> RequestRefused | PromptNotWritten:
    if isinstance(answer, jobs.Refused):
        return RequestRefused(answer.message, parameter=answer.parameter)
    return PromptNotWritten(
        "The prompt of this conversation could not be written; this gateway's operator has to look at the model's chat template",
        detail=str(getattr(answer, "message", answer)),
    )


def _has_image(request: ChatRequest) -> bool:
    return any(isinstance(part, Image) for message in request.messages for part in message.parts)


def _lighter(request: ChatRequest) -> ChatRequest:
    """Without the bytes of images: a template writes no more than that there is one."""
    if not _has_image(request):
        return request
    messages = (
        replace(message, parts=tuple(replace(part, data="") if isinstance(part, Image) else part for part in message.parts))
        for message in request.messages
    )
    return replace(request, messages=tuple(messages))
