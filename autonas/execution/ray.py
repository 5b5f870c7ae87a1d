"""Executor that runs jobs on Ray: on a cluster, or on a local Ray instance."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import queue
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import joblib
import numpy as np

from autonas.arguments import checks
from autonas.backends import memory
from autonas.execution import channel, environment, supervision, worker

# In notebooks without ipywidgets Ray logs and warns that it can't draw widgets.
logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
try:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        import ray
except ImportError as error:
    raise ImportError("Execution on Ray needs Ray: pip install 'autonas[ray]'") from error

#: Maximum time in seconds for an idle actor to answer. The driver waits for the answer, and then replaces the actor.
_SECONDS_TO_ANSWER = 20.0
#: Seconds between checks for new nodes.
_SECONDS_TO_LOOK = 1.0


class RayExecutor(supervision.SupervisedExecutor["_RayWorker"]):
    """Executor that runs jobs in Ray actors, one job at a time per actor.

    The executor uses the Ray cluster that the program is connected to. Otherwise it connects to `address` or to the
    environment variable `RAY_ADDRESS`. Without an address it starts a local Ray instance, which listens on the loopback
    address only and is shut down by `close`. All nodes need the same versions of Python, autonas and Keras.

    The evaluation function and its data set are put into the object store once, and are in the memory of every node
    once. Their arrays are read-only. The loss of an actor, alone or with its node, costs at most its current job, see
    `SupervisedExecutor`. Ray's own retries are turned off. Nodes may join and leave: `slots` is the number of actors
    that are ready, or 1 if none is.

    ```python
    import autonas

    executor = autonas.execution.ray.RayExecutor(resources_per_trial={"cpu": 2, "gpu": 0.5}, address="auto")
    automl = autonas.AutoModel(executor=executor)
    ```

    Args:
        n_workers: Number of actors. Defaults to `None`, as many as the present nodes have room for.
        resources_per_trial: Dict from a Ray resource to the amount per actor, such as `{"cpu": 1, "gpu": 0.5}`. Other
            resources have their names in Ray. Defaults to one core and, if the cluster has GPUs, one GPU or a fraction
            of a GPU, such that `n_workers` actors have room. With several GPUs, such as `{"gpu": 2}`, a network is
            trained on all of them in parallel, which requires JAX.
        address: Address of a cluster, such as `"auto"` or `"10.0.0.1:6379"`.
        grace: Seconds after its deadline at which a job counts as hung. Defaults to 30.
    """

    def __init__(
        self,
        n_workers: int | None = None,
        resources_per_trial: Mapping[str, float] | None = None,
        address: str | None = None,
        grace: float = 30.0,
    ) -> None:
        super().__init__(grace)
        if n_workers is not None:
            checks.check_integer("n_workers", n_workers, 1, "an integer of at least 1 or None")
        self._n_workers = n_workers
        self._needs = None if resources_per_trial is None else _needs(resources_per_trial)
        self._address = address or os.environ.get("RAY_ADDRESS")
        self._is_connected = False
        self._evaluate: Any = None
        self._looked, self._room = -math.inf, 0

    @property
    def slots(self) -> int:
        return max(1, sum(actor.is_ready for actor in self._workers))

    @property
    def gpus_per_trial(self) -> int:  # type: ignore[override]  # It follows from the resources.
        return max(1, int((self._needs or {}).get("GPU", 1)))

    def close(self) -> None:
        super().close()
        self._evaluate = None
        if self._is_connected:
            self._is_connected = False
            ray.shutdown()

    def _distribute(self, evaluate: Callable[..., Any]) -> None:
        buffers = worker.serialize(evaluate)
        self._connect()
        self._needs = self._needs or self._default_needs()
        # Ray copies objects out of its store, but not numpy arrays.
        self._evaluate = ray.put([np.asarray(buffer) for buffer in buffers])
        # A single worker has the driver's threads. By default Ray would limit OpenMP to one thread.
        variables = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(joblib.cpu_count()))}
        if self._n_workers != 1:
            variables = environment.threads(math.ceil(self._needs.get("CPU", 1)))
        variables |= environment.backend() | memory.variables()
        others = {name: amount for name, amount in self._needs.items() if name not in ("CPU", "GPU")}
        self._actor = ray.remote(_Actor).options(
            num_cpus=self._needs.get("CPU", 0),
            num_gpus=self._needs.get("GPU", 0),
            resources=others,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=2,
            runtime_env={"env_vars": variables},
        )
        if not self._has_room_for():
            warnings.warn(
                f"No node of the Ray cluster has room for a trial, which needs {self._needs}. The search waits until "
                f"one joins. Nodes: {[node['Resources'] for node in _nodes()]}",
                stacklevel=4,
            )

    def _connect(self) -> None:
        if ray.is_initialized():
            return
        if self._address is None:
            n_cpus = math.ceil((self._n_workers or 1) * (self._needs or {"CPU": 1}).get("CPU", 0))
            arguments = {"num_cpus": max(joblib.cpu_count(), n_cpus), "include_dashboard": False}
            with _on_loopback():
                ray.init(address="local", logging_level=logging.ERROR, **arguments)
        else:
            ray.init(address=self._address, logging_level=logging.ERROR)
        self._is_connected = True

    def _default_needs(self) -> dict[str, float]:
        n_gpus = sum(node["Resources"].get("GPU", 0) for node in _nodes())
        return {"CPU": 1, "GPU": 1 / math.ceil((self._n_workers or 1) / n_gpus)} if n_gpus else {"CPU": 1}

    def _adjust(self) -> None:
        n_workers = max(1, self._n_workers or self._has_room_for())
        while len(self._workers) < n_workers:
            self._workers.append(_RayWorker(self._actor.remote(self._evaluate, _module_path())))

    def _has_room_for(self) -> int:
        """Return the number of actors that the present nodes have room for when idle."""
        if time.monotonic() >= self._looked + _SECONDS_TO_LOOK:
            self._looked = time.monotonic()
            rooms = [
                min(
                    math.floor(node["Resources"].get(name, 0) / amount + 1e-6)
                    for name, amount in (self._needs or {}).items()
                )
                for node in _nodes()
            ]
            self._room = sum(rooms)
        return self._room

    def _received(self, seconds: float | None) -> Iterator[tuple[_RayWorker, str, bytes]]:
        if self._n_workers is None:
            seconds = min(_SECONDS_TO_LOOK, math.inf if seconds is None else seconds)
        by_poll = {actor.poll: actor for actor in self._workers}
        ray.wait(list(by_poll), num_returns=1, timeout=seconds)
        # The first call waits for one actor. The second returns all actors that are ready.
        ready, _ = ray.wait(list(by_poll), num_returns=len(by_poll), timeout=0)
        for poll in ready:
            for kind, content in by_poll[poll].received():
                yield by_poll[poll], kind, content


class _RayWorker(supervision.Worker):
    """An actor, and a pending call that returns when the actor has messages or is lost."""

    shares_clock = False

    def __init__(self, actor: Any) -> None:
        super().__init__()
        self._actor = actor
        self._how = "the Ray worker was ended"
        self.poll = actor.messages.remote()

    def send(self, content: bytes) -> bool:
        try:
            # Without this check, the job would lose an attempt to an actor that was lost while idle.
            ray.get(self._actor.is_there.remote(), timeout=_SECONDS_TO_ANSWER)
        except ray.exceptions.RayError:
            return False
        self._actor.take.remote(content)
        return True

    def received(self) -> Iterator[channel.Message]:
        try:
            messages = ray.get(self.poll)
        except ray.exceptions.RayError as error:
            self._how = _in_words(error)
            yield "died", b""
        else:
            self.poll = self._actor.messages.remote()
            yield from messages

    def kill(self) -> str:
        ray.kill(self._actor)
        return self._how


class _Actor:
    """The worker's side. All jobs run in one thread, since much of Keras's state is thread-local.

    Args:
        buffers: List of arrays, the buffers of `worker.serialize`.
        path: The driver's `sys.path`. Ray only appends missing entries, so that a package of the driver's folder is
            hidden by an installed package of the same name.
    """

    def __init__(self, buffers: Sequence[np.ndarray], path: Sequence[str]) -> None:
        worker.end_group_with_this_process()
        sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
        self._jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._messages: queue.SimpleQueue[channel.Message] = queue.SimpleQueue()
        threading.Thread(target=self._run, args=(buffers,), daemon=True).start()

    def is_there(self) -> None:
        """Return at once, to show that the actor is alive."""

    def take(self, content: bytes) -> None:
        """Accept a job."""
        self._jobs.put(content)

    def messages(self) -> list[channel.Message]:
        """Wait for messages to the driver and return them in order."""
        messages = [self._messages.get()]
        while not self._messages.empty():
            messages.append(self._messages.get())
        return messages

    def _run(self, buffers: Sequence[np.ndarray]) -> None:
        try:
            try:
                evaluate = worker.load_function(buffers)
            except Exception as error:
                self._send("unprepared", worker.described(error))
                return
            self._send("ready", b"")
            while True:
                worker.run(evaluate, self._jobs.get(), self._send)
        except BaseException:
            # `sys.exit` would only end this thread.
            os._exit(1)

    def _send(self, kind: str, content: bytes) -> None:
        self._messages.put((kind, content))


def _module_path() -> list[str]:
    """Return the driver's `sys.path` as absolute paths."""
    return [os.path.abspath(entry) for entry in sys.path]


@contextlib.contextmanager
def _on_loopback() -> Iterator[None]:
    """Make a Ray instance that is started within the context listen on the loopback address only.

    Access to a port of Ray allows to run code. Ray listens on all addresses of the machine unless clusters are
    disabled, as they are on macOS. Setting `_node_ip_address="127.0.0.1"` isn't sufficient.
    """
    constants = ray._private.ray_constants
    before, constants.ENABLE_RAY_CLUSTER = constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before


def _needs(resources: Mapping[str, float]) -> dict[str, float]:
    """Return a dict of resources by their names in Ray."""
    needs = {{"cpu": "CPU", "gpu": "GPU"}.get(name, name): amount for name, amount in resources.items()}
    wrong = {name: amount for name, amount in needs.items() if not (checks.is_number(amount) and amount >= 0)}
    if wrong or not any(needs.values()):
        raise ValueError(
            "`resources_per_trial` must be a dict from resources to non-negative numbers, at least one of them "
            f"positive, such as {{'cpu': 1, 'gpu': 0.5}}. Received: resources_per_trial={resources!r}"
        )
    return {name: amount for name, amount in needs.items() if amount}


def _nodes() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def _in_words(error: Exception) -> str:
    """Describe the end of an actor. Ray doesn't report which signal ended the process."""
    message = str(error)
    if getattr(error, "_actor_init_failed", False) or isinstance(error, ray.exceptions.RuntimeEnvSetupError):
        return f"the Ray worker can't start: {message.strip().splitlines()[-1]}"
    if "node" in message and "has died" in message.replace("process has died", ""):
        return "the node of the Ray worker is gone"
    if "low on memory" in message:
        return "Ray ended the worker, because its node was low on memory"
    return "the Ray worker ended unexpectedly: killed (SIGKILL), perhaps because memory ran out, or crashed"
