"""Transfer: the scores of earlier searches of the space, as evidence for a Gaussian process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from autonas.oracles.earlier_search import EarlierSearch
from autonas.oracles.gp import targets
from autonas.oracles.gp.gaussian_process import GaussianProcess, View
from autonas.oracles.gp.surrogates import Surrogates
from autonas.search_space.encoding import Encoding
from autonas.search_space.values import Key, Scalar

#: Maximum number of trials of an earlier search, half of them the best ones: the time of a Gaussian process grows with
#: the cube of the number.
_MAX_OBSERVED = 200
#: Number of samples of the observed trials by which the agreement of predictions is estimated.
_N_SAMPLES = 64
#: Share of the samples by which a search must not be worse than a prediction from this search's own scores.
_TOLERATED = 0.95


class EarlierProcess:
    """A Gaussian process of the scores of an earlier search.

    Args:
        search: The `EarlierSearch`, with at least two architectures.
        encoding: The `Encoding` of the space.
        surrogates: The `Surrogates` of this search, whose kernel the process has.
    """

    def __init__(self, search: EarlierSearch, encoding: Encoding, surrogates: Surrogates) -> None:
        self._encoding, self._surrogates = encoding, surrogates
        kept = _kept(search.scores)
        self._observed = [encoding.nearest(search.architectures[index]) for index in kept]
        self._targets = targets.warped(search.scores)[kept]
        self._process = GaussianProcess()
        self._process.fit(surrogates.views(encoding, self._observed), self._targets)
        self._predicted: dict[Key, tuple[float, float]] = {}

    def predict(self, architectures: Sequence[dict[str, Scalar]]) -> tuple[np.ndarray, np.ndarray]:
        """Predict mean and standard deviation of the earlier search's warped scores, two arrays of shape `(n,)`."""
        keys = [self._encoding.key(values) for values in architectures]
        new = {key: values for key, values in zip(keys, architectures, strict=True) if key not in self._predicted}
        if new:
            views = self._surrogates.views(self._encoding, [*self._observed, *new.values()])
            n_observed = len(self._observed)
            self._process.condition([view.rows(slice(n_observed)) for view in views], self._targets)
            predicted = self._process.predict([view.rows(slice(n_observed, None)) for view in views])
            self._predicted.update(zip(new, zip(*map(np.ndarray.tolist, predicted), strict=True), strict=True))
        means, deviations = np.array([self._predicted[key] for key in keys]).T
        return means, deviations


class Mixture:
    r"""A weighted sum of the predictions of Gaussian processes for the same architectures.

    Its mean is Σᵢ wᵢ μᵢ and its variance Σᵢ wᵢ² σᵢ² (Feurer et al., "Practical transfer learning for Bayesian
    optimization", 2018).

    Args:
        process: The process of this search.
        predicted: List of pairs of means and standard deviations, one pair per earlier search.
        weights: Array of one weight per earlier search and, last, the weight of `process`; their sum is 1.
    """

    def __init__(
        self, process: GaussianProcess, predicted: Sequence[tuple[np.ndarray, np.ndarray]], weights: np.ndarray
    ) -> None:
        self._process, self._earlier, self._weights = process, predicted, weights

    def predict(self, views: Sequence[View]) -> tuple[np.ndarray, np.ndarray]:
        """Predict as `GaussianProcess.predict`, for the architectures of the earlier searches' predictions."""
        means, deviations = zip(*self._earlier, self._process.predict(views), strict=True)
        return self._weights @ np.stack(means), np.sqrt(self._weights**2 @ np.stack(deviations) ** 2)

    def sample(self, views: Sequence[View], generator: np.random.Generator) -> np.ndarray:
        """Sample as `GaussianProcess.sample`; the earlier searches' predictions have independent errors."""
        draws = [means + deviations * generator.standard_normal(len(means)) for means, deviations in self._earlier]
        return self._weights @ np.stack([*draws, self._process.sample(views, generator)])


class EarlierProcesses:
    """The Gaussian processes of earlier searches.

    Args:
        searches: Sequence of `EarlierSearch`.
        surrogates: The `Surrogates` of this search.
    """

    def __init__(self, searches: Sequence[EarlierSearch], surrogates: Surrogates) -> None:
        self._searches, self._surrogates = searches, surrogates
        self._processes: list[EarlierProcess] = []
        self._state: object = None

    def update(self, encoding: Encoding, has_fidelities: bool) -> None:
        """Fit the processes, unless they are fitted for this space and for kernels with or without fidelities."""
        state = encoding.width, has_fidelities
        if state != self._state:
            self._processes = [EarlierProcess(search, encoding, self._surrogates) for search in self._searches]
            self._state = state

    def means(self, architectures: Sequence[dict[str, Scalar]]) -> list[np.ndarray]:
        """Return the predicted means of each process, a list of arrays of shape `(n,)`."""
        return [process.predict(architectures)[0] for process in self._processes]

    def mixture(
        self, process: GaussianProcess, candidates: Sequence[dict[str, Scalar]], weights: np.ndarray
    ) -> Mixture:
        """Return the `Mixture` of the process of this search and of the processes for some candidates."""
        return Mixture(process, [earlier.predict(candidates) for earlier in self._processes], weights)


def agreement(
    earlier: Sequence[np.ndarray], left_out: np.ndarray, observed: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Return the weights of earlier searches and of this search by how well each orders the observed trials.

    A weight is the share of random samples of the trials, drawn with replacement, in which the predictions order the
    fewest pairs of trials wrongly. This search predicts each trial from the other ones. An earlier search that is worse
    in most samples than this search is in nearly all has no weight (Feurer et al. 2018).

    Args:
        earlier: List of arrays of shape `(n,)`, the predictions of each earlier search for the n trials.
        left_out: Predictions of this search for each trial from the others, shape `(n,)`.
        observed: Scores of the trials, shape `(n,)`.
        generator: A `numpy.random.Generator`.

    Returns:
        Array of one weight per earlier search and, last, the weight of this search; their sum is 1.
    """
    predictions = [*earlier, left_out]
    wrong = np.array([list(_shares_of_wrong_pairs(predictions, observed, generator)) for _ in range(_N_SAMPLES)])
    is_best = wrong == wrong.min(axis=1, keepdims=True)
    weights = (is_best / is_best.sum(axis=1, keepdims=True)).mean(axis=0)
    weights[:-1][np.median(wrong[:, :-1], axis=0) > np.quantile(wrong[:, -1], _TOLERATED)] = 0.0
    total = weights.sum()
    return weights / total if total else np.eye(len(weights))[-1]


def _shares_of_wrong_pairs(
    predictions: Sequence[np.ndarray], observed: np.ndarray, generator: np.random.Generator
) -> Iterator[float]:
    """Yield the share of pairs in one sample of the trials that predictions order wrongly, for each of them."""
    rows = generator.integers(len(observed), size=len(observed))
    is_below = observed[rows, None] < observed[rows]
    for predicted in predictions:
        yield float(np.sum(is_below & (predicted[rows, None] >= predicted[rows])) / max(1, is_below.sum()))


def _kept(scores: Sequence[float]) -> np.ndarray:
    """Return the indices of the trials that are observed: the best ones, and others at equal distances by rank."""
    by_rank = np.argsort(-np.asarray(scores), kind="stable")
    if len(by_rank) > _MAX_OBSERVED:
        n_best = _MAX_OBSERVED // 2
        others = np.linspace(n_best, len(by_rank) - 1, _MAX_OBSERVED - n_best).round().astype(int)
        by_rank = by_rank[np.concatenate([np.arange(n_best), others])]
    return np.sort(by_rank)
