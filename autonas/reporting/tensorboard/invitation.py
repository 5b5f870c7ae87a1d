"""Command that starts TensorBoard on a log, and address of the search in TensorBoard."""

import os
import pathlib
import re
import shlex
import shutil
import sys
import urllib.parse


def invitation(directory, port=6006):
    """Return the command that starts TensorBoard on a log and the address of the search, two lines.

    The command works whether or not the Python environment is activated in the shell. The address selects the run of
    the search and turns off smoothing, since TensorBoard selects no run if there are more than 40. It selects no run of
    another search if TensorBoard is started on a folder of several searches.

    Args:
        directory: Folder of the log, `"tensorboard"` in the folder of the search.
        port: Port of TensorBoard. Defaults to 6006.
    """
    command = [*_tensorboard(), "--logdir", os.fspath(directory), *(["--port", str(port)] if port != 6006 else [])]
    # TensorBoard names a run by its path in the folder on which it was started: a log, a search, or all searches.
    log = pathlib.Path(directory).resolve()
    name = re.escape(log.parent.name).replace(r"\-", "-")
    runs = urllib.parse.quote(f"(^|^{log.name}/|{name}/{log.name}/)search", safe="")
    return f"{shlex.join(command)}\nhttp://localhost:{port}/#custom_scalars&regexInput={runs}&_smoothingWeight=0"


def _tensorboard():
    program = pathlib.Path(sys.executable).with_name("tensorboard")
    if shutil.which("tensorboard") == str(program):
        return ["tensorboard"]
    if not program.exists():
        return [sys.executable, "-m", "tensorboard.main"]
    relative = os.path.relpath(program)
    return [str(program) if relative.startswith("..") else relative]
