"""The models that were read from S3, each tried out before anybody is served by it. Knows sources, and no target."""

import asyncio
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from msgspec.structs import replace

from adapters.prompts.checkpoint import TOKENIZER, Checkpoint, checkpoint
from gateway.bedrock.objects import Object, Objects, Unreadable
from gateway.errors import GatewayError
from gateway.templating.jobs import Failed, Learn, Learned, Prepared, packed
from gateway.templating.model import Model
from gateway.templating.processes import Broken, NotStarted, Processes
from gateway.templating.source import Files, Source, small_files, tokenizer

AT_ONCE = 4  # sources being read


class Read(NamedTuple):
    """A source as it was last seen.

    Attributes:
        model: ``None`` where there is no template, or none of use.
        problem: Why not, or what could not be read; empty when all is well.
        settled: False when it should be looked at again soon.
    """

    files: Files
    model: Model | None
    problem: str = ""
    settled: bool = True


class Shelf:
    """Belongs to one event loop.

    Args:
        prompts, tokens: Where templates and tokenizers are tried.
    """

    def __init__(self, objects: Objects, prompts: Processes, tokens: Processes) -> None:
        self._objects = objects
        self._prompts = prompts
        self._tokens = tokens
        self._reads: dict[Source, Read] = {}
        self._looking = asyncio.Lock()

    @property
    def is_settled(self) -> bool:
        return all(read.settled for read in self._reads.values())

    def read(self, source: Source) -> Read:
        """What is known of a source; asks nobody."""
        return self._reads.get(source) or Read({}, None, "its files have not come yet", settled=False)

    async def look(self, sources: Iterable[Source], *, only_new: bool = False) -> None:
        """Read these sources where they have changed, and forget the others."""
        wanted = dict.fromkeys(sources)
        turns = asyncio.Semaphore(AT_ONCE)
        async with self._looking:
            await asyncio.gather(*(self._look(source, turns) for source in wanted if not (only_new and source in self._reads)))
            if not only_new:
                self._reads = {source: read for source, read in self._reads.items() if source in wanted}

    async def _look(self, source: Source, turns: asyncio.Semaphore) -> None:
        before = self._reads.get(source) or Read({}, None, settled=False)
        async with turns:
            try:
                files = await self._files(source, before.files)
            except Unreadable as error:
                # What is in use stays so: the model that was imported from these files has not changed since.
                self._reads[source] = before._replace(problem=str(error), settled=False)
                return
            if not (before.settled and files == before.files):
                self._reads[source] = await self._tried(files)

    async def _files(self, source: Source, before: Files) -> Files:
        files = dict(await small_files(self._objects, source, before))
        if files and (found := await tokenizer(self._objects, source, before)) is not None:
            files[TOKENIZER] = found
        return files

    async def _tried(self, files: Files) -> Read:
        try:
            found = checkpoint({name: file.body for name, file in files.items() if name != TOKENIZER})
        except ValueError as error:
            return Read(files, None, str(error))
        if found is None:
            return Read(files, None, "there is no chat template among its files")
        try:
            model, problem = await self._with_tokenizer(found, files.get(TOKENIZER))
            answer = await self._prompts.ask(model.key, model.prepare(), prepare=model.prepare)
        except (NotStarted, GatewayError) as error:
            return Read(files, None, str(error), settled=False)
        except Broken as error:
            answer = Failed(str(error))
        if isinstance(answer, Prepared):
            return Read(files, model, problem)
        return Read(files, None, f"its chat template is refused: {_reason(answer)}")

    async def _with_tokenizer(self, found: Checkpoint, file: Object | None) -> tuple[Model, str]:
        """The model, its special tokens completed by those of its tokenizer; and what is wrong with that one."""
        if file is None:
            return Model(_key(found), found), ""
        learn = Learn(sha256(file.body).hexdigest(), file.body)
        try:
            answer = await self._tokens.ask(learn.key, learn, prepare=lambda: learn)
        except NotStarted:
            raise
        except Broken as error:
            answer = Failed(str(error))
        if not isinstance(answer, Learned):
            return Model(_key(found), found), f"its tokenizer.json is refused, so that tokens are estimated: {_reason(answer)}"
        found = replace(
            found,
            special=tuple(dict.fromkeys((*found.special, *answer.special))),
            added=tuple(dict.fromkeys((*found.added, *answer.added))),
        )
        return Model(_key(found), found, file.body, learn.key), ""


def _key(found: Checkpoint) -> str:
    return sha256(packed(found)).hexdigest()


def _reason(answer: object) -> str:
    return str(getattr(answer, "message", answer))
