"""How the transport's tests ask, and the simplest answers. Limits are short where they are to pass, long where not."""

from gateway.bedrock.client import Timeouts
from gateway.bedrock.signing import Credentials

ARN = "arn:aws:bedrock:us-west-2:123456789012:imported-model/0a1b2c3d4e5f"
KEYS = Credentials("AKIDEXAMPLE", "secret", "token")

PATIENT = Timeouts(connect_seconds=20, first_byte_seconds=20, between_bytes_seconds=20)


SHORT = 0.05


REQUEST = b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"


def request(body):
    return b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


async def ask(client, upstream, timeouts=PATIENT):
    reply = await client.send(upstream.origin(), REQUEST, timeouts)
    try:
        return await reply.whole()
    finally:
        reply.close()


def saying(data, *, close=False):
    async def answer(visit):
        await visit.send(data)
        if close:
            visit.close()

    return answer


async def stalled(visit):
    await visit.hung_up()


def stalling_after(data):
    async def answer(visit):
        await visit.send(data)
        await visit.hung_up()

    return answer


def invoke(runtime, *, stream, **changes):
    settings = {
        "region": "us-west-2",
        "role_arn": None,
        "connect_seconds": 20,
        "first_byte_seconds": 20,
        "between_bytes_seconds": 20,
        "deadline": None,
    }
    return runtime.invoke(ARN, b'{"prompt":"hi"}', stream=stream, **settings | changes)


async def read(runtime, *, stream, **changes):
    """All chunks, and the error that ended them."""
    chunks = []
    try:
        async with invoke(runtime, stream=stream, **changes) as exchange:
            async for some in exchange:
                chunks += some
    except Exception as error:  # noqa: BLE001 - what it is, is what is tested
        return chunks, error
    return chunks, None
