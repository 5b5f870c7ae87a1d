"""Spaces whose best architecture is known, and that take no time to score: for tests of strategies."""

import dataclasses
import math
from collections.abc import Callable

import keras_tuner
import numpy as np


@dataclasses.dataclass(frozen=True)
class Problem:
    """A space with a score for each architecture.

    Attributes:
        space: Function that returns the space, a new `keras_tuner.HyperParameters`.
        score: Function from an architecture to its score, larger is better.
        optimum: The best architecture, or one of them.
    """

    space: Callable
    score: Callable
    optimum: dict

    def regret(self, values):
        """How far an architecture's score is from the best one."""
        return self.score(self.optimum) - self.score(values)


# ---------------------------------------------------------------------- two families


def conditional_space():
    """Two families with decisions of their own, and numbers of every kind."""
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


def score(values):
    """The score of `conditional_space`: wide convolutions with a rate near 0.01 are best."""
    return (
        (values["family"] == "convolution")
        + values.get("filters", 0) / 64
        + values.get("units", 0) / 512
        - abs(values["rate"] - 0.01)
    )


# ---------------------------------------------------------------------- nine architectures


def small_space():
    """Nine architectures."""
    space = keras_tuner.HyperParameters()
    space.Choice("kind", ["none", "some"])
    with space.conditional_scope("kind", ["some"]):
        space.Int("depth", 1, 4)
        space.Boolean("wide")
    return space


# ---------------------------------------------------------------------- a chain of layers

#: Kind, width and kernel of each layer of the best chain.
_BEST_CHAIN = [("convolution", 64, 3), ("pooling", None, None), ("convolution", 128, 5), ("dense", 32, None)]
_MAX_DEPTH = 5
_WIDTHS = [16, 32, 64, 128]


def chain_space():
    """Chains of one to five layers, each with a kind, and a width and a kernel where its kind has them: 1.5 million."""
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


def chain_score(values):
    """How near a chain is to the best one, at most 1: each layer counts if its kind is right, the more the nearer its
    width and kernel, and by half if the one before it is of the wrong kind; a layer too many costs."""
    total, is_right_so_far = 0.0, True
    for layer, (kind, width, kernel) in enumerate(_BEST_CHAIN[: values["depth"]]):
        is_right = values[f"kind_{layer}"] == kind
        if is_right:
            worth = 1.0
            if width is not None:
                worth -= 0.2 * abs(math.log2(values[f"width_{layer}"] / width))
            if kernel is not None:
                worth -= 0.1 * abs(values[f"kernel_{layer}"] - kernel) / 2
            total += worth if is_right_so_far else worth / 2
        is_right_so_far = is_right
    return (total - 0.5 * max(0, values["depth"] - len(_BEST_CHAIN))) / len(_BEST_CHAIN)


def chain_cost(values):
    """What a chain costs: the sum of width times kernel over its layers, and 1."""
    layers = range(values["depth"])
    return 1 + sum(values.get(f"width_{layer}", 0) * values.get(f"kernel_{layer}", 1) for layer in layers)


def _chain(layers):
    values = {"depth": len(layers)}
    for layer, decisions in enumerate(layers):
        for name, value in zip(("kind", "width", "kernel"), decisions, strict=True):
            if value is not None:
                values[f"{name}_{layer}"] = value
    return values


# ---------------------------------------------------------------------- numbers

_BEST_NUMBERS = {"rate": 1e-3, "dropout": 0.3, "units": 96, "batch_size": 64, "optimizer": "adam", "average": True}


def numeric_space():
    """Numbers on scales of every kind, and two choices without an order."""
    space = keras_tuner.HyperParameters()
    space.Float("rate", 1e-5, 1e-1, sampling="log")
    space.Float("dropout", 0.0, 0.8)
    space.Int("units", 8, 512, sampling="log")
    space.Choice("batch_size", [16, 32, 64, 128, 256])
    space.Choice("optimizer", ["sgd", "adam", "rmsprop"])
    space.Boolean("average")
    return space


def numeric_score(values):
    """Less than 0 by the squared distance from the best: rate, units and batch size count by their logarithms."""
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


def nk_space():
    """Eight decisions with three options each, without an order: 6,561 architectures."""
    space = keras_tuner.HyperParameters()
    for place in range(_NK_DECISIONS):
        space.Choice(f"decision_{place}", [f"option_{option}" for option in range(_NK_OPTIONS)])
    return space


def nk_landscape(n_partners, seed):
    """Return an NK landscape (Kauffman and Levin 1987), a `Problem` with many local optima.

    The score is the mean over the decisions of a random number from 0 to 1, which depends on the option of the decision
    and on those of `n_partners` others, drawn at random.

    Args:
        n_partners: K, from 0 (one local optimum) to 7 (the scores of all architectures are independent).
        seed: Seed of the random numbers.
    """
    generator = np.random.default_rng(seed)
    places = np.arange(_NK_DECISIONS)
    partners = [
        [place, *generator.choice(np.delete(places, place), n_partners, replace=False).tolist()] for place in places
    ]
    worths = generator.random((_NK_DECISIONS, *[_NK_OPTIONS] * (n_partners + 1)))

    def scores(codes):
        return np.mean([worths[place][tuple(codes[partners[place]])] for place in places], axis=0)

    def score(values):
        return float(scores(np.array([int(values[f"decision_{place}"].removeprefix("option_")) for place in places])))

    best = np.indices([_NK_OPTIONS] * _NK_DECISIONS).reshape(_NK_DECISIONS, -1)
    best = best[:, np.argmax(scores(best))]
    return Problem(nk_space, score, {f"decision_{place}": f"option_{code}" for place, code in enumerate(best)})


#: Two families of architectures; see `conditional_space`.
FAMILIES = Problem(
    conditional_space, score, {"family": "convolution", "filters": 64, "kernel": 3, "rate": 0.01}
)  # fmt: skip
#: Chains of layers; see `chain_space`.
CHAIN = Problem(chain_space, chain_score, _chain(_BEST_CHAIN))
#: Numbers and two choices; see `numeric_space`.
NUMBERS = Problem(numeric_space, numeric_score, dict(_BEST_NUMBERS))
