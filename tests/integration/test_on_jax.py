"""Files whose tests hold on JAX, too."""

FILES = [
    "backends/test_gradients.py",
    "backends/test_jax_convolution.py",
    "backends/test_jax_random.py",
    "backends/test_memory_growth.py",
    "backends/test_precision_policies.py",
    "evaluation/test_failures.py",
    "evaluation/test_jax_loop.py",
    "evaluation/one_shot/test_architecture_gradient.py",
    "evaluation/one_shot/test_path_training.py",
    "evaluation/one_shot/test_scoring.py",
    "optimizers/test_fused_sgd.py",
    "prediction/test_predictor.py",
    "search/test_averaging.py",
    "supernet/test_rolling.py",
    "supernet/test_sharing.py",
]


def test_all_of_these_hold_on_jax(passes_on):
    # Longer than 20 s: one process for all files, since its start costs more than the tests of most of them. What is
    # left out makes JAX compile more, of the same code.
    passes_on("jax", "not chain and not uniform and not deadline", FILES)
