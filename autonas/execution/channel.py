"""Whole messages over a socket, which one side reads without ever waiting for the rest of one."""

import struct

_HEADER = struct.Struct("<16sQ")


class Channel:
    """One end of a socket that carries messages: a kind, which is a short name, and bytes.

    Unlike `multiprocessing.Connection` it never blocks a reader in the middle of a message, so that a worker that
    stops while it sends doesn't stop its driver.

    Args:
        socket: A connected stream socket.
    """

    def __init__(self, socket):
        self._socket = socket
        self._received = bytearray()

    def fileno(self):
        return self._socket.fileno()

    def send(self, kind, content=b"", timeout=None):
        """Sends a message.

        Args:
            kind: Its kind, at most 16 letters.
            content: Bytes.
            timeout: Seconds after which it is given up, or `None`; the channel is of no use after that.

        Raises:
            OSError: If the other end is closed, or it took too long.
        """
        self._socket.settimeout(timeout)
        self._socket.sendall(_HEADER.pack(kind.encode(), len(content)))
        self._socket.sendall(content)

    def receive(self):
        """Waits for a message; returns its kind and content. Raises `EOFError` if the other end is closed."""
        self._socket.settimeout(None)
        while (message := self._message()) is None:
            self._read()
        return message

    def received(self):
        """What has come since the last call, and no more than one read of it: a chatty worker must not hold the driver.

        Returns:
            A list of messages, or `None` if there was nothing to read.

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

    def close(self):
        self._socket.close()

    def _read(self):
        try:
            chunk = self._socket.recv(1 << 20)
        except ConnectionError:
            chunk = b""
        if not chunk:
            raise EOFError("The other end of the channel is closed.")
        self._received += chunk

    def _message(self):
        if len(self._received) < _HEADER.size:
            return None
        kind, size = _HEADER.unpack_from(self._received)
        if len(self._received) < _HEADER.size + size:
            return None
        content = bytes(self._received[_HEADER.size : _HEADER.size + size])
        del self._received[: _HEADER.size + size]
        return kind.rstrip(b"\0").decode(), content
