"""Channel: complete messages over a socket, read without blocking on an incomplete message."""

import socket
import struct
from typing import TypeAlias

_HEADER = struct.Struct("<16sQ")

#: Kind and content of a message.
Message: TypeAlias = tuple[str, bytes]


class Channel:
    """One end of a socket for messages, which consist of a kind, a short name, and a content of bytes.

    Unlike `multiprocessing.Connection`, a channel never blocks a reader in the middle of a message. A worker that
    stops while sending therefore doesn't block its driver.

    Args:
        socket: A connected stream socket.
    """

    def __init__(self, socket: socket.socket) -> None:
        self._socket = socket
        self._received = bytearray()

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, kind: str, content: bytes = b"", timeout: float | None = None) -> None:
        """Send a message.

        Args:
            kind: Kind of the message, at most 16 letters.
            content: Content of the message, bytes.
            timeout: Maximum time in seconds, or `None`. After a timeout the channel is unusable.

        Raises:
            OSError: If the other end is closed, or at a timeout.
        """
        self._socket.settimeout(timeout)
        self._socket.sendall(_HEADER.pack(kind.encode(), len(content)))
        self._socket.sendall(content)

    def receive(self) -> Message:
        """Wait for a message and return its kind and content. Raise `EOFError` if the other end is closed."""
        self._socket.settimeout(None)
        while (message := self._message()) is None:
            self._read()
        return message

    def received(self) -> list[Message] | None:
        """Return the messages that have arrived since the last call.

        The socket is read once, so that a worker with many messages doesn't block the driver.

        Returns:
            List of messages, or `None` if there was nothing to read.

        Raises:
            EOFError: If the other end is closed.
        """
        self._socket.settimeout(0)
        try:
            self._read()
        except BlockingIOError:
            return None
        messages = []
        while (message := self._message()) is not None:
            messages.append(message)
        return messages

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        try:
            chunk = self._socket.recv(1 << 20)
        except ConnectionError:
            chunk = b""
        if not chunk:
            raise EOFError("The other end of the channel is closed.")
        self._received += chunk

    def _message(self) -> Message | None:
        if len(self._received) < _HEADER.size:
            return None
        kind, size = _HEADER.unpack_from(self._received)
        if len(self._received) < _HEADER.size + size:
            return None
        content = bytes(self._received[_HEADER.size : _HEADER.size + size])
        del self._received[: _HEADER.size + size]
        return kind.rstrip(b"\0").decode(), content
