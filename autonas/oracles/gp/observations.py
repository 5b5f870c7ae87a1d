"""Observations of a search, as the quantities that Gaussian processes predict."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from autonas.oracles import feasibility
from autonas.oracles.fidelity import scale as fidelity
from autonas.oracles.gp import targets
from autonas.oracles.gp.targets import Quantity
from autonas.oracles.observation import Observation
from autonas.search_space.values import Scalar

_Scores: TypeAlias = tuple[float, ...] | None


class Observations:
    """The observations of a search, in the order in which they came.

    Attributes:
        numbers: List of the numbers of the trials.
        architectures: List of the architectures, dicts of values.
        scores: List of tuples with one score per objective; `None` for a failed or refused trial.
        margins: List of tuples with one margin per constraint, or `None`.
        fidelities: List of the shares of a full training.
    """

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.architectures: list[dict[str, Scalar]] = []
        self.scores: list[_Scores] = []
        self.margins: list[tuple[float | None, ...] | None] = []
        self.fidelities: list[float] = []
        #: By number of observations, the latest one alone: their scores on one scale.
        self._scaled: dict[int, list[_Scores]] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def has_fidelities(self) -> bool:
        """Whether some trainings were short."""
        return min(self.fidelities, default=1.0) < 1

    def add(self, observation: Observation) -> None:
        """Add an observation."""
        self.numbers.append(observation.number)
        self.architectures.append(observation.values)
        # The scores of all fidelities are mapped to one scale anew for each suggestion.
        self.scores.append(observation.training.measured_scores or observation.scores)
        self.margins.append(observation.margins)
        self.fidelities.append(observation.training.fidelity)

    def objectives(self, count: int) -> list[Quantity]:
        """Return a quantity per objective of the first `count` observations, without refused and failed trials."""
        scores = self._on_one_scale(count)
        known = {row: of_row for row, of_row in enumerate(scores) if of_row is not None}
        n_objectives = max(map(len, known.values()), default=0)
        return [
            Quantity(
                ("objective", objective), list(known), [of_row[objective] for of_row in known.values()], targets.warped
            )
            for objective in range(n_objectives)
        ]

    def constraints(self, count: int) -> list[Quantity]:
        """Return a quantity per constraint of the first `count` observations, without margins that weren't measured."""
        quantities = []
        margins = self.margins[:count]
        for constraint in range(max((len(row) for row in margins if row is not None), default=0)):
            known = {
                row: margin
                for row, of_row in enumerate(margins)
                if of_row is not None and (margin := of_row[constraint]) is not None
            }
            numbers = targets.squashed(list(known.values())).tolist()
            quantities.append(Quantity(("constraint", constraint), list(known), numbers, targets.standardised))
        return quantities

    def kept(self, count: int, limit: int) -> list[int]:
        """Return the rows of the first `count` observations to use: all, or the best and the latest."""
        if count <= limit:
            return list(range(count))
        n_latest = limit // 2
        best = self._from_best(range(count - n_latest), count)[: limit - n_latest]
        return sorted(best) + list(range(count - n_latest, count))

    def best(self, n_best: int) -> list[dict[str, Scalar]]:
        """Return the fittest architectures by the latest observation of each trial, the fittest first."""
        latest = list({number: row for row, number in enumerate(self.numbers)}.values())
        return [self.architectures[row] for row in self._from_best(latest, len(self))[:n_best]]

    def n_refused_in_a_row(self) -> int:
        """Return the number of latest observations that are all of refused trials."""
        refused = (feasibility.violation(margins) > 0 for margins in reversed(self.margins))
        return sum(1 for _ in itertools.takewhile(bool, refused))

    def _from_best(self, rows: Sequence[int], count: int) -> list[int]:
        """Return some rows of the first `count` observations in order, the fittest first."""
        scores = self._on_one_scale(count)
        violations = [feasibility.violation(self.margins[row]) for row in rows]
        fitness = feasibility.fitness([scores[row] for row in rows], violations)
        return [rows[index] for index in np.argsort(-fitness, kind="stable")]

    def _on_one_scale(self, count: int) -> list[_Scores]:
        """Return the scores of the first `count` observations as they would be at the lowest fidelity, a list."""
        if not self.has_fidelities:
            return self.scores[:count]
        if count not in self._scaled:
            rows = list(zip(self.fidelities, self.numbers, self.scores, strict=True))[:count]
            levels: dict[float, dict[int, tuple[float, ...]]] = {
                share: {} for share in sorted(set(self.fidelities[:count]))
            }
            for share, number, scores in rows:
                if scores is not None:
                    levels[share][number] = scores
            levels = dict(zip(levels, fidelity.comparable(list(levels.values())), strict=True))
            self._scaled = {count: [levels[share].get(number) for share, number, _ in rows]}
        return self._scaled[count]
