"""Messages come whole, and half of one stops nobody."""

import socket

import pytest

from autonas.execution import channel


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    with one, other:
        yield channel.Channel(one), channel.Channel(other), other


def test_messages_come_whole_and_in_order(ends):
    reader, writer, _ = ends
    assert reader.received() is None
    for number in range(3):
        writer.send("report", bytes([number]) * number)
    assert reader.received() == [("report", b""), ("report", b"\1"), ("report", b"\2\2")]
    assert reader.received() is None


def test_half_a_message_does_not_block_the_reader(ends):
    reader, _, raw = ends
    raw.sendall(channel._HEADER.pack(b"report", 4) + b"ab")
    assert reader.received() == []
    assert reader.received() is None
    raw.sendall(b"cd")
    assert reader.received() == [("report", b"abcd")]


def test_the_end_is_told_after_the_last_message(ends):
    reader, writer, raw = ends
    writer.send("report", b"last")
    raw.sendall(channel._HEADER.pack(b"report", 4) + b"ha")
    raw.close()
    assert reader.received() == [("report", b"last")]
    for receive in (reader.received, reader.receive):
        with pytest.raises(EOFError, match="closed"):
            receive()


def test_one_that_takes_nothing_is_given_up(ends):
    _, writer, _ = ends
    with pytest.raises(TimeoutError):
        writer.send("job", bytes(50_000_000), timeout=0.05)
