"""How to look at a log: a command that works as it stands, and the address of the page that shows the search."""

import os
import pathlib
import shlex
import shutil
import sys


def invitation(directory, port=6006):
    """How to look at a log.

    Args:
        directory: Folder of the log, or one above it.
        port: Port that TensorBoard listens to. Defaults to 6006.

    Returns:
        Two lines: the command that starts TensorBoard, whether or not the environment is activated in the shell, and
        the address of the page that shows the search. With more than 40 runs TensorBoard shows none unasked, and it
        smooths curves: the address asks for the run of the search, as it is.
    """
    command = [*_tensorboard(), "--logdir", os.fspath(directory), *(["--port", str(port)] if port != 6006 else [])]
    return f"{shlex.join(command)}\nhttp://localhost:{port}/#custom_scalars&regexInput=search&_smoothingWeight=0"


def _tensorboard():
    beside = pathlib.Path(sys.executable).with_name("tensorboard")
    if shutil.which("tensorboard") == str(beside):
        return ["tensorboard"]
    if not beside.exists():
        return [sys.executable, "-m", "tensorboard.main"]
    near = os.path.relpath(beside)
    return [str(beside) if near.startswith("..") else near]
