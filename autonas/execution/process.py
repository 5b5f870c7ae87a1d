"""Execution in worker processes of this machine."""

import json
import multiprocessing.connection
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from autonas.arguments import checks
from autonas.execution import channel, environment, supervision, worker

#: Seconds after which a worker that isn't ready counts as hung.
_SECONDS_TO_START = 600.0
#: What a worker runs. The path comes first, as `autonas` is found by it.
_COMMAND = """
import json, sys
start = json.loads(sys.argv[1])
sys.path[:] = start.pop("path")
from autonas.execution import worker
worker.main(**start)
"""


class ProcessExecutor(supervision.SupervisedExecutor):
    """Runs jobs in processes of their own, which are started once and stay warm.

    A process that is killed, aborts, runs out of memory, exits or hangs costs at most the job it was at, as
    `SupervisedExecutor` has it. What is evaluated travels once: it is written to a file without a name in the folder
    for temporary files (`TMPDIR`), which all workers map into their memory, so that a data set is in memory once for
    all of them.

    Each worker is a new Python, not a fork of the driver. It doesn't run the driver's script again, which therefore
    needs no `if __name__ == "__main__":`; what the script or a notebook defines travels with the jobs. It has the
    driver's `sys.path`, folder, environment and backend of Keras. Several workers share the cores and, in turn, the
    GPUs. For Linux and macOS.

    Args:
        n_workers: Number of processes.
        grace: Seconds past its deadline after which a job counts as hung. Defaults to 30.
        gpus_per_trial: Number of GPUs that each process has, and trains a network on; more than one on JAX only.
            Defaults to 1.
    """

    def __init__(self, n_workers, grace=30.0, gpus_per_trial=1):
        super().__init__(grace)
        checks.check_integer("gpus_per_trial", gpus_per_trial, 1)
        self.gpus_per_trial = gpus_per_trial
        checks.check_integer("n_workers", n_workers, 1)
        self._n_workers = n_workers
        self._file = None
        self._environments = []

    @property
    def slots(self):
        return self._n_workers

    def close(self):
        super().close()
        if self._file is not None:
            self._file.close()

    def _distribute(self, evaluate):
        self._environments = [
            environment.of_worker(index, self._n_workers, self.gpus_per_trial) for index in range(self._n_workers)
        ]
        self._file = tempfile.TemporaryFile()
        try:
            worker.travelling(evaluate, self._file)
        except OSError as error:
            size = self._file.tell() / 1e6
            raise OSError(
                error.errno,
                f"What is evaluated, with its data, must be written once for the workers, and there was no room in "
                f"{tempfile.gettempdir()} after {size:.0f} MB ({error.strerror}). Set TMPDIR to a folder with room",
            ) from error
        except Exception as error:
            raise TypeError(
                f"What is evaluated can't travel to worker processes: {error}. Use the inline executor, or data and "
                f"blocks that can be pickled."
            ) from error

    def _adjust(self):
        taken = {each.index for each in self._workers}
        for index in range(self._n_workers):
            if index not in taken:
                self._workers.append(_WorkerProcess(index, self._environments[index], self._file.fileno()))

    def _received(self, seconds):
        by_source = {source: each for each in self._workers for source in each.sources()}
        ready = multiprocessing.connection.wait(list(by_source), seconds)
        for each in dict.fromkeys(by_source[source] for source in ready):
            for kind, content in each.received():
                yield each, kind, content


class _WorkerProcess(supervision.Worker):
    """One process, the socket to it and, where there is such a thing, a descriptor that tells when it has ended.

    The socket alone isn't enough: what the worker has started may keep it open.
    """

    def __init__(self, index, variables, file):
        super().__init__()
        self.index = index
        self.due = time.monotonic() + _SECONDS_TO_START
        ours, theirs = socket.socketpair()
        start = {"driver": os.getpid(), "connection": theirs.fileno(), "evaluate": file}
        with theirs:
            # In a session of its own, a terminal's Ctrl-C doesn't reach it, and what it starts can be ended with it.
            self._process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, json.dumps({**start, "path": list(map(str, sys.path))})],
                env=variables,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), file),
                start_new_session=True,
            )
        self._channel = channel.Channel(ours)
        self._ended = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else None

    def sources(self):
        """What becomes readable when there is something to `received`."""
        return [self._channel] if self._ended is None else [self._channel, self._ended]

    def send(self, content):
        try:
            self._channel.send("job", content, supervision.SECONDS_TO_SEND)
        except OSError:
            return False
        return True

    def received(self):
        """Yields messages that have come; after the last one of a process that has ended, `"died"`."""
        has_ended = self._ended is not None and multiprocessing.connection.wait([self._ended], 0)
        try:
            while (messages := self._channel.received()) is not None:
                yield from messages
                if not has_ended:
                    return
        except EOFError:
            has_ended = True
        if has_ended:
            yield "died", b""

    def kill(self):
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # It is gone. (macOS forbids what isn't there any more.)
        status = self._process.wait()
        self._channel.close()
        if self._ended is not None:
            os.close(self._ended)
        return _in_words(status)


def _in_words(status):
    """How a process ended, from its exit status: negative for a signal."""
    if status >= 0:
        return f"the worker process exited with status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    return {
        "SIGKILL": "the worker process was killed (SIGKILL), perhaps for want of memory",
        "SIGABRT": "the worker process aborted (SIGABRT)",
        "SIGSEGV": "the worker process had a segmentation fault (SIGSEGV)",
    }.get(name, f"the worker process was ended by a signal ({name})")
