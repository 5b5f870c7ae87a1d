"""Execution on Ray: on a cluster of machines, or on a Ray of this machine that is started for it."""

import contextlib
import logging
import math
import os
import queue
import threading
import time
import warnings

import joblib
import numpy as np

from autonas.arguments import checks
from autonas.backends import memory
from autonas.execution import environment, supervision, worker

# In notebooks without ipywidgets Ray tells, in two ways, that it won't draw any.
logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
try:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        import ray
except ImportError as error:
    raise ImportError("Execution on Ray needs Ray: pip install 'autonas[ray]'") from error

#: Seconds after which a look is taken whether nodes have come.
_SECONDS_TO_LOOK = 1.0


class RayExecutor(supervision.SupervisedExecutor):
    """Runs jobs in actors of Ray, one after another in each.

    It connects to the cluster of `address`, else of the variable `RAY_ADDRESS`, unless the program is connected to one
    already. Without any, it starts a Ray of this machine, which listens on the loopback address only, and ends that one
    with `close`. All nodes need the same versions of Python, autonas and Keras.

    What is evaluated, with its data, is put into the object store once, and is in the memory of each node once. Its
    arrays can only be read. An actor that is lost, alone or with its node, costs at most the job that it was at, as
    `SupervisedExecutor` has it; Ray itself begins nothing again. Nodes may come and go: `slots` is the number of actors
    that are ready now, and 1 if there is none.

    Args:
        n_workers: Number of actors, or `None` (the default) for as many as the nodes that are there have room for.
        resources_per_trial: Dict from a resource of Ray to how much of it an actor holds, such as
            `{"cpu": 1, "gpu": 0.5}`; others than these two by their name in Ray. Defaults to one core and, if the
            cluster has GPUs, to one GPU, or the share that lets `n_workers` have room. On several GPUs, such as
            `{"gpu": 2}`, a network is trained in parallel; JAX only.
        address: Address of a cluster, such as `"auto"` or `"10.0.0.1:6379"`.
        grace: Seconds past its deadline after which a job counts as hung. Defaults to 30.
    """

    def __init__(self, n_workers=None, resources_per_trial=None, address=None, grace=30.0):
        super().__init__(grace)
        if n_workers is not None:
            checks.check_integer("n_workers", n_workers, 1, "an integer of at least 1 or None")
        self._n_workers = n_workers
        self._needs = None if resources_per_trial is None else _needs(resources_per_trial)
        self._address = address or os.environ.get("RAY_ADDRESS")
        self._is_connected = False
        self._evaluate = None
        self._looked, self._room = -math.inf, 0

    @property
    def slots(self):
        return max(1, sum(each.is_ready for each in self._workers))

    @property
    def gpus_per_trial(self):
        return max(1, int((self._needs or {}).get("GPU", 1)))

    def close(self):
        super().close()
        self._evaluate = None
        if self._is_connected:
            self._is_connected = False
            ray.shutdown()

    def _distribute(self, evaluate):
        parts = worker.parts(evaluate)
        self._connect()
        self._needs = self._needs or self._default_needs()
        # numpy arrays are those things that Ray doesn't copy from the store.
        self._evaluate = ray.put([np.asarray(part) for part in parts])
        # One worker has the threads of the driver: left to itself, Ray would let OpenMP have one.
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

    def _connect(self):
        if ray.is_initialized():
            return
        if self._address is None:
            n_cpus = math.ceil((self._n_workers or 1) * (self._needs or {"CPU": 1}).get("CPU", 0))
            arguments = {"num_cpus": max(joblib.cpu_count(), n_cpus), "include_dashboard": False}
            with _on_loopback():
                ray.init(address="local", logging_level="ERROR", **arguments)
        else:
            ray.init(address=self._address, logging_level="ERROR")
        self._is_connected = True

    def _default_needs(self):
        n_gpus = sum(node["Resources"].get("GPU", 0) for node in _nodes())
        return {"CPU": 1, "GPU": 1 / math.ceil((self._n_workers or 1) / n_gpus)} if n_gpus else {"CPU": 1}

    def _adjust(self):
        n_workers = max(1, self._n_workers or self._has_room_for())
        while len(self._workers) < n_workers:
            self._workers.append(_RayWorker(self._actor.remote(self._evaluate)))

    def _has_room_for(self):
        """How many actors the nodes that are there have room for, if nobody else uses them."""
        if time.monotonic() >= self._looked + _SECONDS_TO_LOOK:
            self._looked = time.monotonic()
            rooms = [
                min(math.floor(node["Resources"].get(name, 0) / amount + 1e-6) for name, amount in self._needs.items())
                for node in _nodes()
            ]
            self._room = sum(rooms)
        return self._room

    def _received(self, seconds):
        if self._n_workers is None:
            seconds = min(_SECONDS_TO_LOOK, math.inf if seconds is None else seconds)
        by_poll = {each.poll: each for each in self._workers}
        ray.wait(list(by_poll), num_returns=1, timeout=seconds)
        # That returns one. All that are ready get their turn.
        ready, _ = ray.wait(list(by_poll), num_returns=len(by_poll), timeout=0)
        for poll in ready:
            for kind, content in by_poll[poll].received():
                yield by_poll[poll], kind, content


class _RayWorker(supervision.Worker):
    """An actor, and the call under way that returns when it has messages, or is lost."""

    shares_clock = False

    def __init__(self, actor):
        super().__init__()
        self._actor = actor
        self._how = "the Ray worker was ended"
        self.poll = actor.messages.remote()

    def send(self, content):
        try:
            # Otherwise one that was lost when it had nothing to do, just before, would cost the job an attempt.
            ray.get(self._actor.is_there.remote(), timeout=supervision.SECONDS_TO_SEND)
        except ray.exceptions.RayError:
            return False
        self._actor.take.remote(content)
        return True

    def received(self):
        try:
            messages = ray.get(self.poll)
        except ray.exceptions.RayError as error:
            self._how = _in_words(error)
            yield "died", b""
        else:
            self.poll = self._actor.messages.remote()
            yield from messages

    def kill(self):
        ray.kill(self._actor)
        return self._how


class _Actor:
    """The side of the worker. All jobs run in one thread, since much of Keras's state is of a thread.

    Args:
        parts: List of arrays, what `worker.parts` returned.
    """

    def __init__(self, parts):
        worker.end_group_with_this_process()
        self._jobs = queue.SimpleQueue()
        self._messages = queue.SimpleQueue()
        threading.Thread(target=self._run, args=(parts,), daemon=True).start()

    def is_there(self):
        """Returns if there is such an actor."""

    def take(self, content):
        """Takes a job on."""
        self._jobs.put(content)

    def messages(self):
        """Waits until there are messages for the driver, and returns them in order."""
        found = [self._messages.get()]
        while not self._messages.empty():
            found.append(self._messages.get())
        return found

    def _run(self, parts):
        try:
            try:
                evaluate = worker.arrived(parts)
            except Exception as error:
                self._send("unprepared", worker.described(error))
                return
            self._send("ready", b"")
            while True:
                worker.run(evaluate, self._jobs.get(), self._send)
        except BaseException:
            # `sys.exit` in a thread would end the thread only.
            os._exit(1)

    def _send(self, kind, content):
        self._messages.put((kind, content))


@contextlib.contextmanager
def _on_loopback():
    """A context in which a Ray that is started listens on the loopback address only.

    Whoever reaches a port of Ray can run code. Ray listens on all addresses of the machine unless it takes the machine
    for one that can't be a part of a cluster, as it does on macOS; `_node_ip_address="127.0.0.1"` doesn't change that.
    """
    constants = ray._private.ray_constants
    before, constants.ENABLE_RAY_CLUSTER = constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before


def _needs(resources):
    """Resources by their names in Ray."""
    needs = {{"cpu": "CPU", "gpu": "GPU"}.get(name, name): amount for name, amount in resources.items()}
    wrong = {name: amount for name, amount in needs.items() if not (isinstance(amount, int | float) and amount >= 0)}
    if wrong or not any(needs.values()):
        raise ValueError(
            f"`resources_per_trial` must be a dict from resources to numbers, of which one is above 0, such as "
            f"{{'cpu': 1, 'gpu': 0.5}}. Received: resources_per_trial={resources!r}"
        )
    return {name: amount for name, amount in needs.items() if amount}


def _nodes():
    return [node for node in ray.nodes() if node["Alive"]]


def _in_words(error):
    """How an actor ended. Ray doesn't know which signal ended its process."""
    message = str(error)
    if getattr(error, "_actor_init_failed", False) or isinstance(error, ray.exceptions.RuntimeEnvSetupError):
        return f"the Ray worker can't start: {message.strip().splitlines()[-1]}"
    if "node" in message and "has died" in message.replace("process has died", ""):
        return "the node of the Ray worker is gone"
    if "low on memory" in message:
        return "Ray ended the worker, because its node was low on memory"
    return "the Ray worker ended unexpectedly: killed (SIGKILL), perhaps for want of memory, or crashed"
