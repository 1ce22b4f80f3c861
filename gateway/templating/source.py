"""A model's files where it was imported from: which are read, how long each may be, and when they are read again."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from adapters.prompts.checkpoint import CONFIG, JINJA, JSON, SPECIAL, TOKENIZER
from gateway.bedrock.objects import Folder, Object, Objects, Unreadable

MEGABYTE = 1_048_576
SMALL: Mapping[str, int] = {JINJA: MEGABYTE, JSON: MEGABYTE, CONFIG: 8 * MEGABYTE, SPECIAL: MEGABYTE}
"""What says how a prompt is written, with the most bytes that each may have."""

MOST_TOKENIZER_BYTES = 64 * MEGABYTE  # the largest of the public ones has 33


class Source(NamedTuple):
    """Where a model's files lie, and as whom they are read."""

    folder: Folder
    region: str
    role_arn: str | None = None


Files = Mapping[str, Object]
"""What was found, by name."""


async def small_files(objects: Objects, source: Source, before: Files) -> Files:
    """The files that say how a prompt is written.

    Args:
        before: What was found the last time: a version that is known is not sent again.

    Raises:
        Unreadable: S3 could not be reached, or lets none of them be read.
    """
    found = await asyncio.gather(*(_file(objects, source, name, most, before) for name, most in SMALL.items()))
    if all(file == "denied" for file in found):
        raise Unreadable(
            f"{source.folder}: S3 lets {source.role_arn or 'this gateway'} read nothing there; "
            "it needs s3:GetObject on the files and s3:ListBucket on the bucket"
        )
    return {name: file for name, file in zip(SMALL, found, strict=True) if isinstance(file, Object)}


async def tokenizer(objects: Objects, source: Source, before: Files) -> Object | None:
    """The tokenizer, if there is one.

    Raises:
        Unreadable: S3 could not be reached, or it is too long.
    """
    found = await _file(objects, source, TOKENIZER, MOST_TOKENIZER_BYTES, before)
    return found if isinstance(found, Object) else None


async def _file(objects: Objects, source: Source, name: str, most_bytes: int, before: Files) -> Object | str:
    known = before.get(name)
    found = await objects.get(
        source.folder,
        name,
        region=source.region,
        role_arn=source.role_arn,
        most_bytes=most_bytes,
        etag=known.etag if known is not None else "",
    )
    return known if found == "unchanged" and known is not None else found
