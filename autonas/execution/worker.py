"""Worker process: its main loop, and the serialisation of functions and jobs. Imports are few for a quick start."""

import ctypes
import dataclasses
import io
import mmap
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import cloudpickle

from autonas.backends import silence
from autonas.execution import base, channel

_PR_SET_PDEATHSIG = 1  # of Linux's prctl


class Report:
    """Argument `report` of `evaluate` in a worker. Usable from any thread until `evaluate` returns.

    Args:
        send: Function `(kind, content)` that sends a message to the driver.
    """

    keeps_checkpoints = True

    def __init__(self, send: Callable[[str, bytes], object]) -> None:
        self._send_now = send
        self._lock = threading.Lock()
        self._is_open = True

    def __call__(self, event: Any) -> None:
        self._send("report", event)

    def checkpoint(self, state: Any) -> None:
        """Store `state` as the checkpoint from which the job restarts if this worker is lost."""
        self._send("checkpoint", state)

    def close(self) -> None:
        """Ignore further reports, so that a thread left behind by the job can't report during the next job."""
        with self._lock:
            self._is_open = False

    def _send(self, kind: str, value: Any) -> None:
        content = cloudpickle.dumps(value)
        with self._lock:
            if self._is_open:
                self._send_now(kind, content)


def pack(job: bytes, checkpoint: bytes | None, deadline: float | None, shares_clock: bool) -> bytes:
    """Serialise a job with its checkpoint for a worker.

    Args:
        job: The pickled job.
        checkpoint: The latest state passed to `report.checkpoint`, pickled, or `None`.
        deadline: Deadline of the job, a time of `time.monotonic()`, or `None`.
        shares_clock: Whether the worker runs on this machine, where `time.monotonic()` is the same in all processes.
    """
    left = None if deadline is None or shares_clock else deadline - time.monotonic()
    return pickle.dumps((job, checkpoint, left))


def run(evaluate: Callable[..., Any], content: bytes, send: Callable[[str, bytes], object]) -> None:
    """Evaluate a job and send the outcome or the exception.

    Args:
        evaluate: Function of a job and a `Report` that returns an outcome.
        content: Bytes returned by `pack`.
        send: Function `(kind, content)` that sends a message to the driver.
    """
    report = Report(send)
    try:
        outcome = cloudpickle.dumps(evaluate(_unpack(content), report))
    except Exception as error:
        report.close()
        send("raised", described(error))
    else:
        report.close()
        send("ended", outcome)


def main(driver: int, connection: int, evaluate: int) -> None:
    """Run the main loop of a worker process.

    Args:
        driver: Process id of the driver.
        connection: File descriptor of a socket to the driver.
        evaluate: File descriptor of a file that `write_function` wrote.
    """
    # Buffered output would be lost if the process is killed.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    # The driver handles Ctrl-C and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    messages = channel.Channel(socket.socket(fileno=connection))
    end_group_with_this_process()
    _die_with(driver, messages)
    try:
        function = load_function(_map(evaluate))
    except Exception as error:
        messages.send("unprepared", described(error))
        return
    messages.send("ready")
    while True:
        run(function, messages.receive()[1], messages.send)


def serialize(evaluate: Callable[..., Any]) -> list[memoryview]:
    """Serialise a function to a list of buffers: the pickled function, and its arrays, which aren't copied."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = cloudpickle.dumps(evaluate, protocol=5, buffer_callback=buffers.append)
    return [memoryview(pickled), *[buffer.raw() for buffer in buffers]]


def write_function(evaluate: Callable[..., Any], file: BinaryIO) -> None:
    """Write a function with its arrays to a file that workers map into their memory.

    The file holds the pickled function, the arrays, the pickled list of their offsets and sizes, and the length of this
    list in 8 bytes.

    Args:
        evaluate: The function.
        file: An empty binary file.

    Raises:
        OSError: If the file can't be written.
    """
    extents = []
    for buffer in serialize(evaluate):
        file.seek(-file.tell() % 64, os.SEEK_CUR)  # Arrays must be aligned.
        extents.append((file.tell(), len(buffer)))
        file.write(buffer)
    file.write(pickle.dumps(extents))
    file.write((file.tell() - sum(extents[-1])).to_bytes(8, "little"))
    file.flush()


def load_function(buffers: Sequence[Any]) -> Callable[..., Any]:
    """Return the function that `serialize` turned into buffers. Its arrays are views of the buffers."""
    first, *buffers = buffers
    # Loading imports TensorFlow, which logs its version and its search for devices in every worker.
    with silence.unless_wanted():
        function = pickle.loads(first, buffers=buffers)
        if "keras" in sys.modules:
            sys.modules["keras"].ops.zeros(())
    return function


def described(error: BaseException) -> bytes:
    """Return an exception as a pickled pair of its line and its traceback."""
    return pickle.dumps((base.described(error), traceback.format_exc()))


def _map(descriptor: int) -> list[memoryview]:
    """Return the buffers in a file of `write_function`. All workers share their memory, with copies on write."""
    # With copies on write, a function that modifies its arrays doesn't change them for other workers.
    memory = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY))
    os.close(descriptor)
    length = int.from_bytes(memory[-8:], "little")
    extents = pickle.loads(memory[-8 - length : -8])
    return [memory[start : start + size] for start, size in extents]


def _unpack(content: bytes) -> Any:
    job, checkpoint, left = pickle.loads(content)
    job = pickle.loads(job)
    changed: dict[str, Any] = {} if left is None else {"deadline": time.monotonic() + left}
    if checkpoint is not None:
        changed["checkpoint"] = pickle.loads(checkpoint)
    if changed and dataclasses.is_dataclass(job) and not isinstance(job, type):
        names = {field.name for field in dataclasses.fields(job)}
        return dataclasses.replace(job, **{name: value for name, value in changed.items() if name in names})
    return job


def end_group_with_this_process() -> None:
    """Make this process the leader of its group, and end all processes of the group when this process ends.

    A process killed by SIGKILL can't end its children. A shell outside the group therefore waits for the end of a pipe
    that is open in this process only, and then ends the group.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    theirs, ours = os.pipe()
    # In the background the shell isn't a child of this process, so nobody waits for the shell or ends it.
    script = 'exec 3<&0; { read _ <&3; kill -s KILL -- "-$0"; } &'
    subprocess.run(
        ["/bin/sh", "-c", script, str(os.getpid())],
        check=True,
        start_new_session=True,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.register_at_fork(after_in_child=lambda: os.close(ours))


def _die_with(driver: int, connection: channel.Channel) -> None:
    """End this process and its children when the driver ends."""

    def watch() -> None:
        hangup = select.poll()
        hangup.register(connection.fileno(), 0)
        hangup.poll()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform == "linux":
        # The thread above can't run while a hanging library holds the global interpreter lock.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != driver:
        os.killpg(0, signal.SIGKILL)
