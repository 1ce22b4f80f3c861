"""A decoder that also keeps the bytes of the frames that it read, for whoever hands them on. Knows no socket and no model."""

import struct

from gateway.bedrock.frames import CorruptFrame, Decoder, Frame

_LENGTH = struct.Struct(">I")  # a frame begins with its own length


class Recorder:
    """Reads one stream as ``frames.Decoder`` does, and keeps its events byte for byte.

    What it keeps are whole frames whose checksums hold, up to the first that is no event: what AWS says when something
    went wrong is not for callers to read.
    """

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._held = bytearray()
        self._kept = bytearray()
        self._ended = False

    @property
    def broken(self) -> CorruptFrame | None:
        """Set once the stream cannot be read further."""
        return self._decoder.broken

    def feed(self, data: bytes) -> list[Frame]:
        """See ``frames.Decoder.feed``."""
        self._held += data
        read = self._decoder.feed(data)
        if read:
            self._keep(read)
        return read

    def end(self) -> None:
        """See ``frames.Decoder.end``."""
        self._decoder.end()

    def take(self) -> bytes:
        """The bytes of the events that were read since the last time, perhaps none."""
        taken = bytes(self._kept)
        self._kept.clear()
        return taken

    def _keep(self, read: list[Frame]) -> None:
        end = kept = 0
        for headers, _ in read:
            end += _LENGTH.unpack_from(self._held, end)[0]
            if headers.get(":message-type") != "event":
                self._ended = True
            if not self._ended:
                kept = end
        self._kept += self._held[:kept]
        del self._held[:end]
