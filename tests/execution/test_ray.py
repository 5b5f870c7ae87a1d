"""Execution on Ray. Starting it takes seconds, so one local Ray serves most tests."""

import ipaddress
import os
import subprocess
import sys

import joblib
import pytest

ray = pytest.importorskip("ray")

from autonas.execution import environment
from autonas.execution import ray as ray_execution
from autonas.testing import executors, jobs


class TestRayExecutor(executors.ExecutorContract):
    arrays_are_writable = False

    def make(self, n_workers, grace):
        return ray_execution.RayExecutor(n_workers, grace=grace)

    # The deadlines are those of the common base class, and workers of Ray take seconds to start.
    test_a_job_is_not_ended_after_its_deadline_while_it_is_required = None

    # Ray tells processes that leave from processes that die, and kills them all alike.
    @pytest.mark.parametrize("what", ["kill", "exit"])
    def test_a_poisonous_job_is_tried_twice_and_takes_no_other_with_it(self, tmp_path, what):
        super().test_a_poisonous_job_is_tried_twice_and_takes_no_other_with_it(tmp_path, what)

    @pytest.mark.parametrize("what", ["hang_with_lock", "stop"])
    def test_a_job_that_hangs_is_ended_and_not_tried_again(self, tmp_path, what):
        super().test_a_job_that_hangs_is_ended_and_not_tried_again(tmp_path, what)


@pytest.fixture(scope="module", autouse=True)
def local_ray():
    """A Ray that the executors of this file don't end, and that ends no worker when the machine is short of memory."""
    quiet = {"include_dashboard": False, "logging_level": "ERROR", "log_to_driver": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")
        ray.init(address="local", num_cpus=2, num_gpus=1, **quiet)
    yield
    ray.shutdown()


_LISTENING = """
import contextlib

import psutil
from autonas.execution import ray as ray_execution
from autonas.testing import executors

with ray_execution.RayExecutor(1) as executor:
    executor.start(lambda job, report: None)
    executors._all(executor, [executors.Job("a")])
    driver = psutil.Process()
    for process in (driver, *driver.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):  # Some of Ray's processes end within moments.
            for connection in process.net_connections():
                if connection.status == "LISTEN":
                    print(connection.laddr.ip)
"""


def test_a_ray_of_this_machine_listens_on_the_loopback_address_only():
    finished = subprocess.run([sys.executable, "-c", _LISTENING], capture_output=True, text=True, env=_quiet())
    assert finished.returncode == 0, finished.stderr
    addresses = [ipaddress.ip_address(line.removeprefix("::ffff:")) for line in finished.stdout.split()]
    assert len(addresses) >= 4 and all(address.is_loopback for address in addresses), addresses


def _quiet():
    """The environment, without the address of a Ray."""
    return {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}


def test_a_ray_that_was_there_stays_when_an_executor_is_closed(tmp_path):
    with ray_execution.RayExecutor(1) as executor:
        executor.start(jobs.evaluation(tmp_path))
        assert executor.slots == 1
    assert ray.is_initialized()


def test_several_share_the_cores_and_the_gpu_and_have_the_drivers_backend(monkeypatch):
    import keras  # Not above: this file is imported by drivers that must start quickly.

    for name in environment._THREADS:
        monkeypatch.delenv(name, raising=False)

    def evaluate(job, report):
        names = ("KERAS_BACKEND", "TF_NUM_INTRAOP_THREADS", "CUDA_VISIBLE_DEVICES")
        return [os.environ.get(name) for name in names], ray.get_runtime_context().get_assigned_resources()

    with ray_execution.RayExecutor(2, resources_per_trial={"cpu": 0.5, "gpu": 0.5}) as executor:
        executor.start(evaluate)
        (event,) = executors._all(executor, [executors.Job("a")])
    assert event.outcome == ([keras.backend.backend(), "1", "0"], {"CPU": 0.5, "GPU": 0.5})


def test_workers_share_the_gpus_by_default():
    with ray_execution.RayExecutor(3) as executor:
        executor.start(lambda job, report: os.environ["CUDA_VISIBLE_DEVICES"])
        (event,) = executors._all(executor, [executors.Job("a")])
    assert event.outcome == "0" and executor._needs == {"CPU": 1, "GPU": 1 / 3}


def test_a_worker_imports_a_module_from_where_the_driver_does(tmp_path, monkeypatch):
    for folder in ("installed", "own"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "in_two_folders.py").write_text(f"value = {folder!r}")
    monkeypatch.syspath_prepend(tmp_path / "own")
    monkeypatch.setattr(environment, "threads", lambda count: {"PYTHONPATH": str(tmp_path / "installed")})

    def evaluate(job, report):
        import in_two_folders

        return in_two_folders.value

    with ray_execution.RayExecutor(2) as executor:
        executor.start(evaluate)
        (event,) = executors._all(executor, [executors.Job("a")])
    assert event.outcome == "own"


def test_one_worker_has_all_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with ray_execution.RayExecutor(1) as executor:
        executor.start(lambda job, report: (os.environ["OMP_NUM_THREADS"], "TF_NUM_INTRAOP_THREADS" in os.environ))
        (event,) = executors._all(executor, [executors.Job("a")])
    assert event.outcome == (str(joblib.cpu_count()), "TF_NUM_INTRAOP_THREADS" in os.environ)


def test_a_worker_that_cannot_start_says_why(monkeypatch):
    class Broken(ray_execution._Actor):
        def __init__(self, buffers, path):
            raise ModuleNotFoundError("No module named 'autonas'")

    monkeypatch.setattr(ray_execution, "_Actor", Broken)
    with ray_execution.RayExecutor(1) as executor:
        executor.start(lambda job, report: None)
        with pytest.raises(RuntimeError, match="5 workers in a row .* can't start: ModuleNotFoundError"):
            executors._all(executor, [executors.Job("a")])


def test_an_executor_has_as_many_workers_as_there_is_room_for():
    with ray_execution.RayExecutor(resources_per_trial={"gpu": 0.25, "cpu": 0}) as executor:
        executor.start(lambda job, report: None)
        assert len(executor._workers) == 4


def test_it_is_said_if_there_is_no_room():
    with ray_execution.RayExecutor(resources_per_trial={"gpu": 2}) as executor:
        with pytest.warns(UserWarning, match=r"No node .* needs {'GPU': 2}"):
            executor.start(lambda job, report: None)


@pytest.mark.parametrize("resources", [{"cpu": 0}, {"gpu": -1}, {"cpu": "1"}])
def test_resources_are_checked(resources):
    with pytest.raises(ValueError, match="`resources_per_trial` must be"):
        ray_execution.RayExecutor(resources_per_trial=resources)


def test_numbers_of_workers_are_checked():
    with pytest.raises(ValueError, match="n_workers=0"):
        ray_execution.RayExecutor(0)


def test_without_ray_it_is_said_what_to_install():
    code = "import sys; sys.modules['ray'] = None; from autonas.execution import ray"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.stderr.splitlines()[-1].endswith("Execution on Ray needs Ray: pip install 'autonas[ray]'")
