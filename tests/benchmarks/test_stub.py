"""The stub answers as Bedrock does, as far as a benchmark needs it."""

import asyncio
from contextlib import asynccontextmanager

from benchmarks import bodies, stub


@asynccontextmanager
async def connection():
    """A connection to a stub of its own."""
    server = await stub.listen(0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()
        server.close()
        # On loopback the stub sees the end within a few turns of the loop, never after a wait.
        for _ in range(20):
            await asyncio.sleep(0)


async def ask(reader, writer, path):
    """One request; the reply's head, and its body without the chunks around it."""
    writer.write(bodies.request(path, bodies.native()))
    head = await reader.readuntil(b"\r\n\r\n")
    if b"transfer-encoding" not in head:
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return head, [await reader.readexactly(length)]
    chunks = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return head, chunks


async def test_whole_replies_follow_one_another():
    """One connection carries reply after reply, token counts in the headers."""
    async with connection() as (reader, writer):
        for _ in range(3):
            head, body = await ask(reader, writer, bodies.native_path(bodies.ARN, stream=False))

            assert body == [bodies.whole_reply()]
            assert b"x-amzn-bedrock-input-token-count: 212" in head


async def test_a_stream_is_its_frames():
    """Every frame is a chunk of its own, and the connection stays usable."""
    async with connection() as (reader, writer):
        for _ in range(2):
            _, chunks = await ask(reader, writer, bodies.native_path(bodies.ARN, stream=True))

            assert chunks == bodies.stream_frames()


async def test_a_paced_stream_takes_its_time():
    """64 frames at one every 10 ms cannot all be there before 630 ms."""
    async with connection() as (reader, writer):
        began_at = asyncio.get_running_loop().time()
        _, chunks = await ask(reader, writer, bodies.native_path(bodies.PACED_ARN, stream=True))

        assert chunks == bodies.stream_frames()
        assert asyncio.get_running_loop().time() - began_at >= 0.6


async def test_any_other_path_is_healthy():
    """A proxy in front may be asked whether it is up."""
    async with connection() as (reader, writer):
        head, body = await ask(reader, writer, "/")

        assert head.startswith(b"HTTP/1.1 200 ")
        assert body == [b"ok"]
