"""What a worker does with a job, and the whole life of a worker process. It imports little: workers start quickly."""

import ctypes
import dataclasses
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

import cloudpickle

from autonas.backends import silence
from autonas.execution import base, channel

_PR_SET_PDEATHSIG = 1  # of Linux's prctl


class Report:
    """What `evaluate` reports with in a worker, from any thread, until it returns.

    Args:
        send: Function `(kind, content)` that sends a message to the driver.
    """

    keeps_checkpoints = True

    def __init__(self, send):
        self._send_now = send
        self._lock = threading.Lock()
        self._is_open = True

    def __call__(self, event):
        self._send("report", event)

    def checkpoint(self, state):
        """Makes `state` the one that the job begins again from if this worker is lost."""
        self._send("checkpoint", state)

    def close(self):
        """Sees to it that a thread which the job leaves behind doesn't report on the next one."""
        with self._lock:
            self._is_open = False

    def _send(self, kind, what):
        content = cloudpickle.dumps(what)
        with self._lock:
            if self._is_open:
                self._send_now(kind, content)


def packed(job, checkpoint, deadline, shares_clock):
    """Makes a job ready to travel.

    Args:
        job: The job, pickled.
        checkpoint: What it last gave to `report.checkpoint`, pickled, or `None`.
        deadline: Its deadline.
        shares_clock: Whether the worker is on this machine, where all processes have the same `time.monotonic()`.
    """
    left = None if deadline is None or shares_clock else deadline - time.monotonic()
    return pickle.dumps((job, checkpoint, left))


def run(evaluate, content, send):
    """Evaluates a job and sends what comes of it.

    Args:
        evaluate: Function of a job and a `Report` that returns an outcome.
        content: What `packed` returned.
        send: Function `(kind, content)` that sends a message to the driver.
    """
    report = Report(send)
    try:
        outcome = cloudpickle.dumps(evaluate(_unpacked(content), report))
    except Exception as error:
        report.close()
        send("raised", described(error))
    else:
        report.close()
        send("ended", outcome)


def main(driver, connection, evaluate):
    """The life of a worker process.

    Args:
        driver: Process number of the driver.
        connection: Descriptor of a socket to the driver.
        evaluate: Descriptor of a file that `travelling` wrote.
    """
    # What is printed isn't kept back until it is lost with the process.
    sys.stdout.reconfigure(line_buffering=True)
    # Ctrl-C is for the driver, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = channel.Channel(socket.socket(fileno=connection))
    end_group_with_this_process()
    _die_with(driver, connection)
    try:
        evaluate = arrived(_mapped(evaluate))
    except Exception as error:
        connection.send("unprepared", described(error))
        return
    connection.send("ready")
    while True:
        run(evaluate, connection.receive()[1], connection.send)


def parts(evaluate):
    """A function in bytes: the pickled function, and the arrays that it holds, of which no copy is made."""
    buffers = []
    pickled = cloudpickle.dumps(evaluate, protocol=5, buffer_callback=buffers.append)
    return [memoryview(pickled), *[buffer.raw() for buffer in buffers]]


def travelling(evaluate, file):
    """Writes a function, and the arrays that it holds, to a file that workers map into their memory.

    Args:
        evaluate: The function.
        file: An empty binary file. It gets the pickled function, its arrays, the places of all of these, and in 8 bytes
            the length of the places.

    Raises:
        OSError: If the file can't be written.
    """
    places = []
    for part in parts(evaluate):
        file.seek(-file.tell() % 64, os.SEEK_CUR)  # Arrays begin where all kinds of numbers may.
        places.append((file.tell(), len(part)))
        file.write(part)
    file.write(pickle.dumps(places))
    file.write((file.tell() - sum(places[-1])).to_bytes(8, "little"))
    file.flush()


def arrived(parts):
    """The function that `parts` were made of. Its arrays are views of them."""
    first, *buffers = parts
    # TensorFlow, imported by this, introduces itself in each worker, and CUDA as they look for devices.
    with silence.unless_wanted():
        function = pickle.loads(first, buffers=buffers)
        if "keras" in sys.modules:
            sys.modules["keras"].ops.zeros(())
    return function


def described(error):
    """The line and the traceback of what was raised, pickled."""
    return pickle.dumps((base.described(error), traceback.format_exc()))


def _mapped(descriptor):
    """The parts that `travelling` wrote. They are in memory once for all workers that don't write to them."""
    # Copied where written to: arrays are as they were, also to a function that changes them.
    memory = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY))
    os.close(descriptor)
    length = int.from_bytes(memory[-8:], "little")
    places = pickle.loads(memory[-8 - length : -8])
    return [memory[start : start + size] for start, size in places]


def _unpacked(content):
    job, checkpoint, left = pickle.loads(content)
    job = pickle.loads(job)
    changed = {} if left is None else {"deadline": time.monotonic() + left}
    if checkpoint is not None:
        changed["checkpoint"] = pickle.loads(checkpoint)
    if changed and dataclasses.is_dataclass(job):
        names = {field.name for field in dataclasses.fields(job)}
        return dataclasses.replace(job, **{name: value for name, value in changed.items() if name in names})
    return job


def end_group_with_this_process():
    """Make this process the leader of its group, and end all processes of the group when it has ended, however it ends.

    A process killed by SIGKILL can't end what it has started, so a shell outside the group waits for the end of a pipe
    that is open in this process only.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    theirs, ours = os.pipe()
    # In the background, it is no child of this process, which somebody may end or wait for.
    script = 'exec 3<&0; { read _ <&3; kill -s KILL -- "-$0"; } &'
    streams = {"stdin": theirs, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["/bin/sh", "-c", script, str(os.getpid())], check=True, start_new_session=True, **streams)
    os.close(theirs)
    os.register_at_fork(after_in_child=lambda: os.close(ours))


def _die_with(driver, connection):
    """Sees to it that this process and all that it started end with the driver, however that ends."""

    def watch():
        hangup = select.poll()
        hangup.register(connection.fileno(), 0)
        hangup.poll()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform == "linux":
        # The thread above can't run while a library that hangs holds Python's lock.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != driver:
        os.killpg(0, signal.SIGKILL)
