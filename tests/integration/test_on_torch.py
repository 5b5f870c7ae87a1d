"""Files whose tests hold on PyTorch, too, which is skipped without it; and a search of each kind of data."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import autonas
from autonas.data import interchange

FILES = [
    "backends/test_gradients.py",
    "backends/test_memory_growth.py",
    "backends/test_precision_policies.py",
    "evaluation/test_failures.py",
    "integration/test_on_torch.py",
    "optimizers/test_fused_sgd.py",
    "prediction/test_predictor.py",
    "search/test_averaging.py",
    "supernet/test_sharing.py",
]


def test_all_of_these_hold_on_torch(passes_on):
    # Longer than 20 s: one process for all files, since PyTorch and TensorFlow are imported in it.
    passes_on("torch", "not chain and not uniform and not deadline", FILES)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="Other backends have no tensors of PyTorch.")
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_tensors_with_gradients_sparse_and_of_few_bits_are_arrays():
    torch = pytest.importorskip("torch")
    array = np.array([[1.0, 0.0], [0.0, -2.5]], "float32")
    tensor = torch.tensor(array)
    for given in (tensor, tensor.requires_grad_(), 2 * tensor / 2, tensor.to_sparse(), tensor.bfloat16()):
        converted = interchange.converted(given)
        assert type(converted) is np.ndarray
        np.testing.assert_array_equal(converted, array)
    with pytest.raises(ValueError, match="a nested tensor"):
        interchange.converted(torch.nested.nested_tensor([tensor[:1].detach(), tensor.detach()]))


DIGITS, NUMBERS = load_digits(return_X_y=True)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="Other backends search in the other files.")
@pytest.mark.filterwarnings("ignore:The default image families")
@pytest.mark.parametrize(
    ("x", "y"),
    [
        (DIGITS[:200], NUMBERS[:200]),
        (DIGITS[:100].reshape(-1, 8, 8), NUMBERS[:100]),
        (DIGITS[:100].reshape(-1, 64, 1), NUMBERS[:100]),
        (["a good film", "a bad film", "nice", "an awful thing"] * 20, [1, 0, 1, 0] * 20),
    ],
    ids=["table", "images", "series", "texts"],
)
def test_a_search_completes_its_trials_and_loads(folder, x, y):
    model = autonas.AutoModel(max_trials=3, epochs=1, verbose=0, directory="run").fit(x, y)
    assert set(model.leaderboard().status) == {"completed"}
    model.save("model")
    loaded = autonas.AutoModel.load("model")
    np.testing.assert_allclose(loaded.predict_proba(x), model.predict_proba(x), atol=1e-6)
    assert model.export("model.keras").difference < 1e-5
