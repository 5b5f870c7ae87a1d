"""Executor that runs jobs in worker processes of this machine."""

from __future__ import annotations

import json
import multiprocessing.connection
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from autonas.arguments import checks
from autonas.execution import channel, environment, supervision, worker

#: Maximum time in seconds for a worker to become ready.
_SECONDS_TO_START = 600.0
#: Code that a worker runs. The path is set first, since `autonas` is imported from it.
_COMMAND = """
import json, sys
start = json.loads(sys.argv[1])
sys.path[:] = start.pop("path")
from autonas.execution import worker
worker.main(**start)
"""


class ProcessExecutor(supervision.SupervisedExecutor["_WorkerProcess"]):
    """Executor that runs jobs in worker processes, which are started once and reused.

    A process that is killed, aborts, runs out of memory, exits or hangs costs at most its current job, see
    `SupervisedExecutor`. The evaluation function and its data set are written once, to an unnamed file in the folder
    for temporary files (`TMPDIR`). All workers map this file, so the data set is in memory only once.

    A worker is a new Python process, not a fork of the driver. The driver's script isn't run again and needs no
    `if __name__ == "__main__":`. Definitions of the script or notebook are serialised with the jobs. A worker has the
    driver's `sys.path`, working directory, environment variables and Keras backend. Several workers share the cores
    and take turns at the GPUs. Available on Linux and macOS.

    ```python
    import autonas

    executor = autonas.execution.ProcessExecutor(n_workers=2, grace=60)
    automl = autonas.AutoModel(executor=executor)
    ```

    Args:
        n_workers: Number of processes.
        grace: Seconds after its deadline at which a job counts as hung. Defaults to 30.
        gpus_per_trial: Number of GPUs that every process sees and trains a network on. More than one requires JAX.
            Defaults to 1.
    """

    def __init__(self, n_workers: int, grace: float = 30.0, gpus_per_trial: int = 1) -> None:
        super().__init__(grace)
        checks.check_integer("gpus_per_trial", gpus_per_trial, 1)
        self.gpus_per_trial = gpus_per_trial
        checks.check_integer("n_workers", n_workers, 1)
        self._n_workers = n_workers
        self._file: BinaryIO | None = None
        self._environments: list[dict[str, str]] = []

    @property
    def slots(self) -> int:
        return self._n_workers

    def close(self) -> None:
        super().close()
        if self._file is not None:
            self._file.close()

    def _distribute(self, evaluate: Callable[..., Any]) -> None:
        self._environments = [
            environment.of_worker(index, self._n_workers, self.gpus_per_trial) for index in range(self._n_workers)
        ]
        file = self._file = tempfile.TemporaryFile()
        try:
            worker.write_function(evaluate, file)
        except OSError as error:
            size = file.tell() / 1e6
            raise OSError(
                error.errno,
                f"The data set for the workers must be written to a file, and the disk of {tempfile.gettempdir()} was "
                f"full after {size:.0f} MB ({error.strerror}). Set TMPDIR to a folder with more space",
            ) from error
        except Exception as error:
            raise TypeError(
                f"The evaluation function can't be pickled for worker processes: {error}. Use the inline executor, or "
                "data and blocks that can be pickled."
            ) from error

    def _adjust(self) -> None:
        running = {process.index for process in self._workers}
        for index, variables in enumerate(self._environments):
            if index not in running and self._file is not None:
                self._workers.append(_WorkerProcess(index, variables, self._file.fileno()))

    def _received(self, seconds: float | None) -> Iterator[tuple[_WorkerProcess, str, bytes]]:
        by_source = {source: process for process in self._workers for source in process.sources()}
        ready = multiprocessing.connection.wait(list(by_source), seconds)
        for process in dict.fromkeys(by_source[source] for source in ready):
            for kind, content in process.received():
                yield process, kind, content


class _WorkerProcess(supervision.Worker):
    """A worker process, the socket to it and, on Linux, a file descriptor that signals the end of the process.

    The socket alone isn't enough: child processes of the worker may keep it open.
    """

    def __init__(self, index: int, variables: dict[str, str], file: int) -> None:
        super().__init__()
        self.index = index
        self.due = time.monotonic() + _SECONDS_TO_START
        ours, theirs = socket.socketpair()
        start = {"driver": os.getpid(), "connection": theirs.fileno(), "evaluate": file}
        with theirs:
            # In its own session the worker isn't reached by a terminal's Ctrl-C, and can be ended with its children.
            self._process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, json.dumps({**start, "path": list(map(str, sys.path))})],
                env=variables,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), file),
                start_new_session=True,
            )
        self._channel = channel.Channel(ours)
        self._ended = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else None

    def sources(self) -> list[Any]:
        """Return the objects that become readable when `received` has something to yield."""
        return [self._channel] if self._ended is None else [self._channel, self._ended]

    def send(self, content: bytes) -> bool:
        try:
            self._channel.send("job", content, supervision.SECONDS_TO_SEND)
        except OSError:
            return False
        return True

    def received(self) -> Iterator[channel.Message]:
        """Yield the messages that have arrived. If the process has ended, `"died"` comes last."""
        has_ended = self._ended is not None and bool(multiprocessing.connection.wait([self._ended], 0))
        try:
            while (messages := self._channel.received()) is not None:
                yield from messages
                if not has_ended:
                    return
        except EOFError:
            has_ended = True
        if has_ended:
            yield "died", b""

    def kill(self) -> str:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # The process has ended. macOS raises PermissionError in this case.
        status = self._process.wait()
        self._channel.close()
        if self._ended is not None:
            os.close(self._ended)
        return _in_words(status)


def _in_words(status: int) -> str:
    """Describe the end of a process by its exit status, which is negative for a signal."""
    if status >= 0:
        return f"the worker process exited with status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    return {
        "SIGKILL": "the worker process was killed (SIGKILL), perhaps because memory ran out",
        "SIGABRT": "the worker process aborted (SIGABRT)",
        "SIGSEGV": "the worker process had a segmentation fault (SIGSEGV)",
    }.get(name, f"the worker process was ended by a signal ({name})")
