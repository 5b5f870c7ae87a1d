"""Networks of the candidates of a search, with the weights of their scores."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from autonas import exceptions
from autonas.evaluation import leave_one_out
from autonas.search import calibration
from autonas.search.averaging import averaging_network
from autonas.search.state import SearchState
from autonas.trials.records import TrialRecord


class SearchedNetworks:
    """Networks of the candidates of a search.

    The weights are in memory or in the folder of the run. A candidate without them is trained again: the same seed
    trains the same network.

    Args:
        state: The `SearchState`.
    """

    def __init__(self, state: SearchState) -> None:
        self.state = state
        self.evaluator = state.evaluator
        self.problem = state.evaluator.problem

    def network(self, candidate: TrialRecord) -> keras.Model:
        """Return the model of a candidate with the weights of its score; with folds, see `averaged`.

        Probabilities are calibrated if the labels were smoothed in training.
        """
        if self.problem.serves_folds:
            kept = self.evaluator.in_memory.get(candidate.trial_id)
            if kept is not None and leave_one_out.is_possible(kept.model, self.problem):
                kept.model.set_weights(kept.weights.scored)
                return averaging_network([self.evaluator.networks.plain(kept.model, candidate.values)], [1.0])
            return self.averaged(candidate, self._weights(candidate))
        model = self.scored(candidate).model
        if self.has_smoothed_labels(candidate):
            calibration.scale(model, calibration.factors(self.problem, lambda: self.predictions(candidate)))
        return model

    def new_network(self, candidate: TrialRecord) -> keras.Model:
        """Return a network as `network` does, in float32, that shares no variables with models in memory."""
        if self.problem.serves_folds:
            return self.averaged(candidate, self._weights(candidate))
        model = self.evaluator.networks.build(candidate.values)
        model.set_weights(self._weights(candidate, model))
        if self.has_smoothed_labels(candidate):
            # Predictions without a file would be computed by a model in memory, which may be the served one.
            predict = functools.partial(self.state.kept_predictions, candidate.trial_id)
            calibration.scale(model, calibration.factors(self.problem, predict))
        return model

    def has_smoothed_labels(self, candidate: TrialRecord) -> bool:
        """Return whether a candidate was trained with smoothed labels, which leave its probabilities unsure.

        Weights that are fitted have seen no smoothed labels, and their candidates have no such decision.
        """
        heads = zip(self.problem.graph.head_names, self.problem.graph.heads, strict=True)
        return not candidate.is_fitted and any(
            bool(candidate.values.get(f"{name}/label_smoothing", head.label_smoothing)) for name, head in heads
        )

    def scored(self, candidate: TrialRecord) -> Any:
        """Return a candidate, in memory, built or trained anew, with the weights of its score."""
        kept = self._kept(candidate)
        if kept is None:  # The file was deleted or is damaged. The same seed trains the same model.
            outcome = self.evaluator.evaluate(self.state.job(candidate))
            kept = self.evaluator.in_memory.get(candidate.trial_id)
            if kept is None:
                raise _lost(candidate, outcome.message)
            kept.model.set_weights(kept.weights.scored)
            self.state.weights.save(kept.weights.scored, candidate.trial_id, kept.weights.final)
        return kept

    def averaged(self, candidate: TrialRecord, weights: Sequence[np.ndarray] | None = None) -> keras.Model:
        """Return the network that averages the networks of a candidate in all folds.

        Args:
            candidate: The record of the candidate.
            weights: Weights of all networks, one network after another. Defaults to `None`: random weights.
        """
        networks = [self.evaluator.networks.build(candidate.values)]
        if not leave_one_out.is_possible(networks[0], self.problem):
            networks += [self.evaluator.networks.build(candidate.values) for _ in self.problem.dataset.splits[1:]]
        if weights is not None:
            for number, model in enumerate(networks):
                length = len(model.weights)
                model.set_weights(weights[number * length : (number + 1) * length])
        return averaging_network(networks, [1 / len(networks)] * len(networks))

    def _weights(self, candidate: TrialRecord, model: keras.Model | None = None) -> list[np.ndarray]:
        """Return the weights of a candidate's score; with folds, of its networks in all folds, one after another.

        Args:
            candidate: The record of the candidate.
            model: As in `TrialWeights.both`. Defaults to `None`.
        """
        kept, _ = self.state.weights.both(candidate.trial_id, model)
        if kept is not None:
            return kept
        outcome = self.evaluator.evaluate(self.state.job(candidate))  # The same seed trains the same networks.
        if outcome.weights is None:
            raise _lost(candidate, outcome.message)
        self.state.weights.save(outcome.weights, candidate.trial_id, outcome.final_weights)
        return outcome.weights

    def _kept(self, candidate: TrialRecord) -> Any:
        """Return a candidate, in memory or built anew, with the weights of its score; `None` without a file of them."""
        kept = self.evaluator.in_memory.get(candidate.trial_id)
        if kept is not None:
            kept.model.set_weights(kept.weights.scored)
            return kept
        built = self.evaluator.trained(self.state.job(candidate), candidate)
        scored, built.weights.final = self.state.weights.both(candidate.trial_id, built.model)
        if scored is None:
            return None
        built.model.set_weights(scored)
        return built

    def predictions(self, candidate: TrialRecord) -> dict[str, np.ndarray] | None:
        """Return a candidate's predictions, a dict from head to array; `None` without a file of them or its weights."""
        predictions = self.state.kept_predictions(candidate.trial_id)
        if predictions is None and self.problem.dataset.folds is None:
            kept = self._kept(candidate)
            predictions = None if kept is None else self.problem.predict(kept.loop)
        return predictions


def _lost(candidate: TrialRecord, reason: str) -> exceptions.SearchFailed:
    """Return the error of a candidate whose weights can't be restored, for a reason from its `Outcome`."""
    return exceptions.SearchFailed(
        f"The file of the weights of trial {candidate.trial_id} is missing or damaged, and the trial can't be trained "
        f"again{f': {reason}' if reason else '.'}"
    )
