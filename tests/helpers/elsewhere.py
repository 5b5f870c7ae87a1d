"""A process without autonas that runs programs one after the other, since the start of each would load TensorFlow."""

import contextlib
import json
import os
import subprocess
import sys

#: Runs the programs that it receives, and answers as `subprocess.run` does.
_SERVER = """
import contextlib, io, json, os, sys, traceback
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    program, *arguments, folder = json.loads(line)
    sys.argv = ["-c", *arguments]
    os.chdir(folder)
    answer, printed = {"returncode": 0, "stderr": ""}, io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(program, {"__name__": "__main__"})
    except Exception:
        answer = {"returncode": 1, "stderr": traceback.format_exc()}
    print(json.dumps(answer | {"stdout": printed.getvalue()}), file=answers, flush=True)
"""


@contextlib.contextmanager
def process():
    """Start the process, and yield a function that stands in for `subprocess.run` of `python -c`."""
    server = subprocess.Popen([sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(command, cwd=None, **options):
        print(json.dumps([*command[2:], os.path.abspath(cwd or ".")]), file=server.stdin, flush=True)
        return subprocess.CompletedProcess(command, **json.loads(server.stdout.readline()))

    yield run
    server.communicate()
