"""A TensorBoard that serves a log for as long as a test looks at it, and the searches whose logs tests look at."""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import keras
from sklearn.datasets import load_digits

import autonas


class Brittle(autonas.Block):
    """One dense layer, or two of which one may break: with decisions that are inactive at times, and failures."""

    def build(self, hp, inputs):
        features = keras.layers.Flatten()(inputs)
        kinds = {"one": lambda: lambda x: self.one(hp, x), "two": lambda: lambda x: self.two(hp, x)}
        return autonas.LayerChoice("kind", kinds)(hp, features)

    def one(self, hp, x):
        return keras.layers.Dense(hp.Choice("units", [16, 32, 256]), activation="relu")(x)

    def two(self, hp, x):
        x = keras.layers.Dense(hp.Int("units", 8, 24))(x)
        if hp.Boolean("broken"):
            raise ValueError("this layer can't be built")
        return keras.layers.LeakyReLU(hp.Float("slope", 0.0, 0.3))(x)


def search_with_failures(directory):
    """A search of digits in which some trials fail and others are refused; the fitted model."""
    x, y = load_digits(return_X_y=True)
    x, y = x[:400].reshape(-1, 8, 8), y[:400]
    image = autonas.ImageInput()
    outputs = autonas.ClassificationHead(dropout=0.0)(Brittle(name="brittle")(image))
    model = autonas.AutoModel(
        image, outputs, objective="val_accuracy", constraints={"params": 12_000}, max_trials=12, epochs=3, seed=1,
        strategy="random", fidelity="full", directory=directory, verbose=0,
    )  # fmt: skip
    return model.fit(x, y)


class Server:
    """What a running TensorBoard answers.

    Args:
        url: Its address, without a slash at the end.
    """

    def __init__(self, url):
        self.url = url

    def get(self, path, **query):
        """The JSON of an address of one of its plugins."""
        return json.loads(self.read(f"{path}?{urllib.parse.urlencode(query)}"))

    def read(self, path):
        """The bytes of an address."""
        with urllib.request.urlopen(f"{self.url}/{path}") as answer:
            return answer.read()

    def hparams(self, what, **request):
        """What the page of HParams asks for."""
        return self.get(f"data/plugin/hparams/{what}", request=json.dumps({"experimentName": "", **request}))

    def points(self, run, tag):
        """Steps and values of a curve."""
        return [(step, value) for _, step, value in self.get("data/plugin/scalars/scalars", run=run, tag=tag)]


@contextlib.contextmanager
def serving(directory):
    """Serves the log of a finished search; yields the `Server` once it has read all of it."""
    runs = {path.name for path in pathlib.Path(directory).iterdir()}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(directory), "--host", "127.0.0.1"]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = Server(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 300
        while True:
            try:
                texts = server.get("data/plugin/text/tags").get("search", [])
                if runs <= set(server.get("data/runs")) and "search/2_leaderboard" in texts:
                    break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, "TensorBoard ended before it served anything."
            assert time.monotonic() < deadline, "TensorBoard doesn't serve the log."
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait()
