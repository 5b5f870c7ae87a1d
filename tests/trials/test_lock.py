"""The lock of a run's folder: a second search is refused, and a killed one leaves nothing in the way."""

import os
import re
import signal
import subprocess
import sys

import pytest

from autonas.trials import lock

HOLDER = """
import sys, time
from autonas.trials import lock
with lock.held(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_search_is_refused_and_told_which_process_is_there(holder, tmp_path):
    expected = rf"`directory` must be free. Received: .*run', in which process {holder.pid} on .* is searching"
    with pytest.raises(ValueError, match=expected), lock.held(str(tmp_path / "run")):
        pass


def test_a_killed_search_leaves_the_folder_free(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with lock.held(str(tmp_path / "run")):
        assert f'"process": {os.getpid()}' in (tmp_path / "run" / "lock.json").read_text()
    assert os.listdir(tmp_path / "run") in ([], ["lock"])


def test_it_is_given_back_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), lock.held(str(tmp_path)):
            raise ZeroDivisionError


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    path = str(tmp_path / "file" / "run")
    expected = f"`directory` must be a folder that can be written to, for the run. .*{re.escape(repr(path))}"
    with pytest.raises(OSError, match=expected), lock.held(path):
        pass
