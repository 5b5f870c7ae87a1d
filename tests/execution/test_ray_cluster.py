"""Execution on a cluster of Ray, whose nodes come and go."""

import time

import pytest

cluster_utils = pytest.importorskip("ray.cluster_utils")
import ray

from autonas.execution import base
from autonas.execution import ray as ray_execution
from autonas.testing import executors


@pytest.fixture
def cluster():
    """A cluster of one node with one core."""
    cluster = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}, shutdown_at_exit=False
    )
    yield cluster
    cluster.shutdown()


def test_nodes_come_and_go(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    added, removed, where = [], [], {"a": [], "b": []}

    def evaluate(job, report):
        report(ray.get_runtime_context().get_node_id())
        while not (tmp_path / job.trial_id).exists():
            time.sleep(0.05)

    def on_report(job, node):
        where[job.trial_id].append(node)
        if not added:
            added.append(cluster.add_node(num_cpus=1))
        elif job.trial_id == "b" and not removed:
            removed.append(added[0])
            cluster.remove_node(added[0])

    with ray_execution.RayExecutor() as executor:
        executor.start(evaluate, on_report)
        executor.submit(executors.Job("a"))
        while executor.slots < 2:
            assert executor.wait() == []
        executor.submit(executors.Job("b"))
        while not (events := executor.wait()):
            pass
        (event,) = events
        assert isinstance(event, base.Retried) and event.job.trial_id == "b"
        assert executor.slots == 1
        (tmp_path / "a").touch()
        (tmp_path / "b").touch()
        events = []
        while len(events) < 2:
            events += executor.wait()
    assert [(type(event), event.job.trial_id) for event in events] == [(base.Ended, "a"), (base.Ended, "b")]
    (head,) = where["a"]
    assert len(where["b"]) == 2 and where["b"][0] != head == where["b"][1]
    # The cluster isn't the executor's.
    assert not ray.is_initialized()
    ray.init(address=cluster.address, logging_level="ERROR")
    ray.shutdown()
