"""Search problems for tests of strategies, with a known optimum and a score that takes no time."""

from autonas.backends import quiet_keras  # noqa: F401  Before any other import of Keras.

# isort: split
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras_tuner
import numpy as np

from autonas.search_space.values import Scalar

__all__ = ["CHAIN", "FAMILIES", "NUMBERS", "Problem", "nk_landscape"]


@dataclasses.dataclass(frozen=True)
class Problem:
    """A search space with a score function.

    ```python
    import autonas

    problem = autonas.testing.problems.FAMILIES
    problem.regret(problem.optimum)  # 0.0
    ```

    Attributes:
        space: Function that returns the search space, a new `keras_tuner.HyperParameters`.
        score: Function from an architecture to its score, larger is better.
        optimum: A best architecture.
    """

    space: Callable[[], keras_tuner.HyperParameters]
    score: Callable[[Mapping[str, Any]], float]
    optimum: dict[str, Scalar]

    def regret(self, values: Mapping[str, Any]) -> float:
        """Return the regret of an architecture: the best score minus the score of the architecture."""
        return self.score(self.optimum) - self.score(values)


# ---------------------------------------------------------------------- two families


def conditional_space() -> keras_tuner.HyperParameters:
    """Return a search space of two families with different decisions and hyperparameters of every type."""
    space = keras_tuner.HyperParameters()
    space.Choice("family", ["dense", "convolution"])
    with space.conditional_scope("family", ["dense"]):
        space.Int("units", 4, 256, sampling="log", default=32)
        space.Boolean("normalise")
    with space.conditional_scope("family", ["convolution"]):
        space.Int("filters", 8, 64, step=8)
        space.Choice("kernel", [3, 5, 7])
    space.Float("rate", 1e-4, 1e-1, sampling="log")
    return space


def score(values: Mapping[str, Any]) -> float:
    """Score an architecture of `conditional_space`. Wide convolutions with a rate near 0.01 are best."""
    return (
        (values["family"] == "convolution")
        + values.get("filters", 0) / 64
        + values.get("units", 0) / 512
        - abs(values["rate"] - 0.01)
    )


# ---------------------------------------------------------------------- nine architectures


def small_space() -> keras_tuner.HyperParameters:
    """Return a search space of nine architectures."""
    space = keras_tuner.HyperParameters()
    space.Choice("kind", ["none", "some"])
    with space.conditional_scope("kind", ["some"]):
        space.Int("depth", 1, 4)
        space.Boolean("wide")
    return space


# ---------------------------------------------------------------------- a chain of layers

#: Kind, width and kernel of the layers of the best chain.
_BEST_CHAIN = [("convolution", 64, 3), ("pooling", None, None), ("convolution", 128, 5), ("dense", 32, None)]
_MAX_DEPTH = 5
_WIDTHS = [16, 32, 64, 128]


def chain_space() -> keras_tuner.HyperParameters:
    """Return a search space of 1.5 million chains of one to five layers.

    A layer has a kind, a width unless it is a pooling layer, and a kernel if it is a convolution.
    """
    space = keras_tuner.HyperParameters()
    space.Int("depth", 1, _MAX_DEPTH)
    for layer in range(_MAX_DEPTH):
        with space.conditional_scope("depth", list(range(layer + 1, _MAX_DEPTH + 1))):
            space.Choice(f"kind_{layer}", ["dense", "convolution", "pooling"])
            with space.conditional_scope(f"kind_{layer}", ["dense", "convolution"]):
                space.Choice(f"width_{layer}", _WIDTHS)
            with space.conditional_scope(f"kind_{layer}", ["convolution"]):
                space.Choice(f"kernel_{layer}", [3, 5, 7])
    return space


def chain_score(values: Mapping[str, Any]) -> float:
    """Score the similarity of a chain to the best chain, at most 1.

    A layer counts if it has the right kind, reduced by the distance of its width and kernel from the best ones. It
    counts half if the previous layer has the wrong kind. Layers beyond the depth of the best chain are penalised.
    """
    total, is_right_so_far = 0.0, True
    for layer, (kind, width, kernel) in enumerate(_BEST_CHAIN[: values["depth"]]):
        is_right = values[f"kind_{layer}"] == kind
        if is_right:
            layer_score = 1.0
            if width is not None:
                layer_score -= 0.2 * abs(math.log2(values[f"width_{layer}"] / width))
            if kernel is not None:
                layer_score -= 0.1 * abs(values[f"kernel_{layer}"] - kernel) / 2
            total += layer_score if is_right_so_far else layer_score / 2
        is_right_so_far = is_right
    return (total - 0.5 * max(0, values["depth"] - len(_BEST_CHAIN))) / len(_BEST_CHAIN)


def chain_cost(values: Mapping[str, Any]) -> int:
    """Compute the cost of a chain: 1 plus the sum of width times kernel over its layers."""
    layers = range(values["depth"])
    return 1 + sum(values.get(f"width_{layer}", 0) * values.get(f"kernel_{layer}", 1) for layer in layers)


def _chain(layers: Sequence[tuple[str, int | None, int | None]]) -> dict[str, Scalar]:
    values: dict[str, Scalar] = {"depth": len(layers)}
    for layer, decisions in enumerate(layers):
        for name, value in zip(("kind", "width", "kernel"), decisions, strict=True):
            if value is not None:
                values[f"{name}_{layer}"] = value
    return values


# ---------------------------------------------------------------------- numbers

_BEST_NUMBERS: dict[str, Any] = {
    "rate": 1e-3,
    "dropout": 0.3,
    "units": 96,
    "batch_size": 64,
    "optimizer": "adam",
    "average": True,
}


def numeric_space() -> keras_tuner.HyperParameters:
    """Return a search space of numbers on linear and logarithmic scales and two unordered choices."""
    space = keras_tuner.HyperParameters()
    space.Float("rate", 1e-5, 1e-1, sampling="log")
    space.Float("dropout", 0.0, 0.8)
    space.Int("units", 8, 512, sampling="log")
    space.Choice("batch_size", [16, 32, 64, 128, 256])
    space.Choice("optimizer", ["sgd", "adam", "rmsprop"])
    space.Boolean("average")
    return space


def numeric_score(values: Mapping[str, Any]) -> float:
    """Score an architecture of `numeric_space` by the negative weighted squared distance from the best one.

    The distances of rate, units and batch size are logarithmic.
    """
    best = _BEST_NUMBERS
    return -(
        math.log10(values["rate"] / best["rate"]) ** 2
        + 4 * (values["dropout"] - best["dropout"]) ** 2
        + 0.25 * math.log2(values["units"] / best["units"]) ** 2
        + 0.1 * math.log2(values["batch_size"] / best["batch_size"]) ** 2
        + (values["optimizer"] != best["optimizer"])
        + 0.25 * (values["average"] != best["average"])
    )


# ---------------------------------------------------------------------- rugged landscapes

_NK_DECISIONS, _NK_OPTIONS = 8, 3


def nk_space() -> keras_tuner.HyperParameters:
    """Return a search space of 6,561 architectures: eight decisions with three unordered options."""
    space = keras_tuner.HyperParameters()
    for decision in range(_NK_DECISIONS):
        space.Choice(f"decision_{decision}", [f"option_{option}" for option in range(_NK_OPTIONS)])
    return space


def nk_landscape(n_partners: int, seed: int) -> Problem:
    """Return an NK landscape (Kauffman and Levin 1987), a `Problem` with many local optima.

    The score is the mean of one contribution per decision. A contribution is a random number between 0 and 1 that
    depends on the option of the decision and on the options of `n_partners` other decisions, chosen at random.

    ```python
    import autonas

    problem = autonas.testing.problems.nk_landscape(n_partners=2, seed=0)
    problem.score(problem.optimum)
    ```

    Args:
        n_partners: K, from 0 (one local optimum) to 7 (the scores of all architectures are independent).
        seed: Seed of the random numbers.
    """
    generator = np.random.default_rng(seed)
    decisions = np.arange(_NK_DECISIONS)
    partners = [
        [decision, *generator.choice(np.delete(decisions, decision), n_partners, replace=False).tolist()]
        for decision in decisions
    ]
    contributions = generator.random((_NK_DECISIONS, *[_NK_OPTIONS] * (n_partners + 1)))

    def scores(codes: np.ndarray) -> np.ndarray:
        return np.mean([contributions[decision][tuple(codes[partners[decision]])] for decision in decisions], axis=0)

    def score(values: Mapping[str, Any]) -> float:
        codes = [int(values[f"decision_{decision}"].removeprefix("option_")) for decision in decisions]
        return float(scores(np.array(codes)))

    best = np.indices([_NK_OPTIONS] * _NK_DECISIONS).reshape(_NK_DECISIONS, -1)
    best = best[:, np.argmax(scores(best))]
    return Problem(nk_space, score, {f"decision_{decision}": f"option_{code}" for decision, code in enumerate(best)})


#: Two families of architectures; see `conditional_space`.
FAMILIES = Problem(
    conditional_space, score, {"family": "convolution", "filters": 64, "kernel": 3, "rate": 0.01}
)  # fmt: skip
#: Chains of layers; see `chain_space`.
CHAIN = Problem(chain_space, chain_score, _chain(_BEST_CHAIN))
#: Numbers and two choices; see `numeric_space`.
NUMBERS = Problem(numeric_space, numeric_score, dict(_BEST_NUMBERS))
