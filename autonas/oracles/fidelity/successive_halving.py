"""Successive halving: any strategy searches with short trainings, and the best of them are continued."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from autonas.arguments import checks
from autonas.oracles import base, feasibility
from autonas.oracles.base import Oracle
from autonas.oracles.fidelity import low_fidelity_oracle, scale
from autonas.oracles.observation import Observation, Training
from autonas.search_space.values import Scalar
from autonas.trials import order, reserved, states

#: Share of a full training after which architectures are first compared.
_FIRST_SHARE = 1 / 50

#: Scores of a rung by root, see `SuccessiveHalvingOracle.__init__`.
_Scores: TypeAlias = dict[int, tuple[float, ...]]


class SuccessiveHalvingOracle(low_fidelity_oracle.LowFidelityOracle):
    r"""Asynchronous successive halving (ASHA, Li et al., "A system for massively parallel hyperparameter tuning",
    2020) around any strategy.

    The strategy proposes architectures, which are trained for the epochs of the lowest rung, r_0. Of the architectures
    that were scored at rung k, the best share 1/η is trained further, exactly from where the training stopped, to

        r_{k+1} ≈ η r_k,    until r_n = `max_epochs`.

    A promotion is a trial of its own. Its values are the values of the architecture and

    - `tuner/trial_id`, the trial whose training it continues;
    - `tuner/initial_epoch` and `tuner/epochs`: numbers of epochs before and after the trial;
    - `tuner/rung`, from 0;
    - `tuner/data_share` and `tuner/resolution`, where lower rungs have less of them: the share of the training rows,
      and the height and width of images relative to the data.

    First trials have `tuner/initial_epoch` 0. The search begins with the initial points. Then it never waits for a rung
    to fill: a new trial is a promotion from the highest rung that has one, and otherwise an architecture from the
    strategy. `max_trials` counts architectures, not promotions.

    If the initial points are of several kinds, such as perceptrons and convolutional networks, the best of each kind is
    promoted once before the strategy proposes further architectures. After a short training, a network that fits the
    training rows fast looks better than a regularised one, whose training has hardly begun: scores of short trainings
    compare networks of one kind.

    The last promotions begin when `max_trials` or the space is exhausted, or when `finish` is called. Every rung then
    promotes all of its best 1/η, and at least one architecture: so the best architecture is trained in full, however
    few there are. Without `finish`, the lowest rung promotes first, since the best architectures are better known when
    the lower rungs are complete. After `finish`, promotions take precedence over new architectures. The architecture
    with the best score of all rungs is promoted first, however short its training was. The highest rung comes next,
    since it is the shortest way to a full training.

    Within a rung, architectures are ordered by score, or by NSGA-II with several scores. Failed and infeasible ones are
    never promoted. The strategy observes scores of different rungs as `scale.comparable` compares them. The result of
    the search is the trial with the best score, however long its training, among the trials with the largest images.

    The strategy observes scores as they would be at the lowest rung, with the measured scores and the fidelity, which
    is the cost as a share of that of a full training. The result of a promotion is an update.

    Its `diagnostics` are the diagnostics of the strategy inside after new architectures, and under `strategy/`:
    `rung/0`, `rung/1` and so on, the number of architectures scored at each rung, and `promotions`, the number of
    continued trainings.

    Deviation: Li et al. promote an architecture that is among the best 1/η when a trial is asked for. If the strategy
    improves during the search, more than 1/η of a rung is promoted in the end, which finds worse architectures on
    SpikeNAS-Bench and NAS-Bench-201 (`benchmarks/strategies.md`). Here at most 1/η of a rung is promoted.

    Args:
        strategy: A name such as `"evolution"`, or an oracle that trains all candidates in full, such as one that trains
            a supernet first. Defaults to `"bayesian"`.
        reduction: η: one of `reduction` architectures is promoted. Defaults to 3.
        min_epochs: r_0, the epochs of the lowest rung; `None` is a fiftieth of `max_epochs`, and at least one. Defaults
            to `None`.
        max_epochs: Epochs of a full training; `None` in `AutoModel`, which sets them. Defaults to `None`.
        min_data_share: Share of the training rows in the lowest rung, from 0.01 to 1; always the same rows. The share
            grows by a constant factor from rung to rung, to all rows in the highest. All validation rows are used.
            Defaults to 1.
        min_resolution: Height and width of images in the lowest rung relative to the data, from 0.01 to 1; they grow
            like the share of rows. Validation is at the same resolution. A network whose weights depend on the size of
            its images, such as one that flattens them, is trained at full resolution. Defaults to 1.
        **kwargs: As in `Oracle`.

    Example:

    ```python
    import autonas

    model = autonas.AutoModel(strategy=autonas.oracles.SuccessiveHalvingOracle("evolution", min_epochs=2))
    ```
    """

    continues_trainings = True

    def __init__(
        self,
        strategy: str | Oracle = "bayesian",
        reduction: int = 3,
        min_epochs: int | None = None,
        max_epochs: int | None = None,
        min_data_share: float = 1.0,
        min_resolution: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(strategy, min_epochs, max_epochs, **kwargs)
        self.reduction = reduction
        self.min_data_share = min_data_share
        self.min_resolution = min_resolution
        self._is_finishing = False
        # The root of an architecture is the number of its first trial.
        #: By the number of a trial: its root.
        self._roots: dict[int, int] = {}
        #: By root: the number of the trial to the strategy, the architecture, and the number of its latest trial.
        self._inner_numbers: dict[int, int] = {}
        self._architectures: dict[int, dict[str, Scalar]] = {}
        self._latest: dict[int, int] = {}
        #: By bracket and rung: dict from root to scores, and the roots that were promoted from there.
        self._scores: dict[tuple[int, int], _Scores] = {}
        self._promoted: dict[tuple[int, int], set[int]] = {}
        #: By bracket: the number of architectures that have joined it.
        self._n_joined: collections.Counter[int] = collections.Counter()
        #: Roots that aren't promoted any more: a promotion has failed, or more epochs change nothing, since the weights
        #: are fitted.
        self._ended: set[int] = set()
        #: Roots that aren't promoted as the best of their kind.
        self._set_aside: set[int] = set()

    def check(self) -> None:
        super().check()
        checks.check_integer("reduction", self.reduction, 2)
        checks.check_number("min_data_share", self.min_data_share, 0.01, 1)
        checks.check_number("min_resolution", self.min_resolution, 0.01, 1)
        if self.max_epochs is None or self.least_epochs(_FIRST_SHARE) < self.max_epochs:
            return
        for name in ("min_data_share", "min_resolution"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be 1 if the shortest training has all epochs of a full one, after which nothing is "
                    f"promoted. Received: {name}={getattr(self, name)}, min_epochs={self.min_epochs}, "
                    f"max_epochs={self.max_epochs}. Lower `min_epochs`, or train for more epochs."
                )

    # ------------------------------------------------------------------ rungs

    @property
    def rungs(self) -> tuple[scale.Rung, ...]:
        """List of `scale.Rung`, ascending."""
        lowest = self.least_epochs(_FIRST_SHARE)
        return scale.rungs(lowest, self.full_epochs, self.reduction, self.min_data_share, self.min_resolution)

    @property
    def brackets(self) -> list[int]:
        """List of the lowest rung of each bracket."""
        return [0]

    def next_bracket(self) -> int:
        """Return the bracket of the next architecture."""
        return 0

    def finish(self) -> None:
        """Let promotions take precedence from now on, the best architecture first, then the ones closest to a full
        training; the strategy is only asked if there is none."""
        self._is_finishing = True

    def further_epochs(self, trial_id: str) -> int:
        root = self._roots[int(trial_id)]
        reached = max((rung for (_, rung), scores in self._scores.items() if root in scores), default=len(self.rungs))
        return self.rungs[reached + 1].epochs - self.rungs[reached].epochs if reached + 1 < len(self.rungs) else 0

    def set_aside(self, trial_ids: Collection[str]) -> None:
        self._set_aside = {self._roots[int(trial_id)] for trial_id in trial_ids}

    def promotable(self) -> list[str]:
        waiting = []
        for (bracket, rung), scores in self._scores.items():
            if rung + 1 < len(self.rungs):
                ranked = self._ranked(scores)
                ended = self._promoted.get((bracket, rung), set()) | self._ended
                waiting += [(rank / len(ranked), -rung, root) for rank, root in enumerate(ranked) if root not in ended]
        return [states.id_of(self._latest[root]) for *_, root in sorted(waiting)]

    # ------------------------------------------------------------------ ask

    def counts(self, values: Mapping[str, Scalar]) -> bool:
        return super().counts(values) and not low_fidelity_oracle.is_promotion(values)

    def _propose(self, generator: np.random.Generator) -> base.Answer:
        if not all(map(base.is_candidate, self.pending.values())):
            return base.WAIT  # The report of a supernet decides which architectures are worth training.
        from_below = self._positions(range(len(self.rungs) - 1))
        from_above = self._positions(reversed(range(len(self.rungs) - 1)))
        values = None
        if self._is_finishing:
            values = self._promotion_of_best() or self._promotion(self._by_rank, from_above)
        elif self._n_joined.total() >= len(self._strategy.initial_points or ()):
            # A bracket may begin with full trainings.
            lowest = [position for position in enumerate(self.brackets) if position in from_below]
            values = self._promotion(self._by_kind, lowest) or self._promotion(self._by_share, from_above)
        if values is not None:
            return values
        answer = super()._propose(generator)
        if isinstance(answer, dict) and not base.is_candidate(answer):
            return answer
        if isinstance(answer, dict):
            bracket = self.next_bracket()
            return answer | self._slice(bracket, self.brackets[bracket])
        # There is time: the best architectures are better known when the lower rungs are complete.
        values = self._promotion(self._by_rank, from_below)
        if values is not None:
            return values
        return base.WAIT if self.pending else answer

    def _record(self, values: dict[str, Scalar]) -> None:
        root = number = self.n_asked
        if low_fidelity_oracle.is_promotion(values):
            root = self._roots[int(values[reserved.TRIAL_ID])]
            bracket, rung = _position(values)
            self._promoted.setdefault((bracket, rung - 1), set()).add(root)
        else:
            self._inner_numbers[root] = self._strategy.n_asked - 1
            self._n_joined[int(values.get(reserved.BRACKET, 0))] += base.is_candidate(values)
        self._roots[number] = root
        super()._record(values)

    def _slice(self, bracket: int, rung: int, earlier: int | None = None) -> dict[str, Scalar]:
        """Return the values of a trial besides its architecture.

        Args:
            bracket: The bracket.
            rung: Index of the rung to which it trains.
            earlier: Number of the trial that it continues, or `None`.
        """
        target = self.rungs[rung]
        values: dict[str, Scalar] = {reserved.INITIAL_EPOCH: 0, reserved.EPOCHS: target.epochs, reserved.RUNG: rung}
        if earlier is not None:
            values |= {reserved.INITIAL_EPOCH: self.rungs[rung - 1].epochs, reserved.TRIAL_ID: states.id_of(earlier)}
        if self.min_data_share < 1:
            values[reserved.DATA_SHARE] = target.data_share
        if self.min_resolution < 1:
            values[reserved.RESOLUTION] = target.resolution
        if len(self.brackets) > 1:
            values[reserved.BRACKET] = bracket
        return values

    def _positions(self, rungs: Iterable[int]) -> list[tuple[int, int]]:
        """Return the bracket and the rung of each of some rungs in each bracket, a list in the order of the rungs."""
        return [(bracket, rung) for rung in rungs for bracket in range(len(self.brackets))]

    def _promotion(
        self, rule: Callable[[_Scores, set[int]], int | None], positions: Iterable[tuple[int, int]]
    ) -> dict[str, Scalar] | None:
        """Return the values of the promotion from the first bracket and rung that has one by a rule, or `None`."""
        for bracket, rung in positions:
            scores = self._scores.get((bracket, rung), {})
            root = rule(scores, self._promoted.get((bracket, rung), set())) if scores else None
            if root is not None:
                return self._promoted_from(root, bracket, rung)
        return None

    def _promoted_from(self, root: int, bracket: int, rung: int) -> dict[str, Scalar]:
        """Return the values of the promotion of a root from a rung of a bracket."""
        return self._architectures[root] | self._slice(bracket, rung + 1, self._latest[root])

    def _promotion_of_best(self) -> dict[str, Scalar] | None:
        """Return the values of the promotion of the architecture with the best score of all rungs.

        Returns:
            `None` if the architecture is promoted already, or if the scores of different rungs can't be compared: at
            several resolutions, and with several scores.
        """
        reached = [
            (scores, rung, -root, bracket)
            for (bracket, rung), by_root in self._scores.items()
            for root, scores in by_root.items()
            if root not in self._ended and len(scores) == 1
        ]
        if not reached or self.min_resolution < 1:
            return None
        _, rung, root, bracket = max(reached)
        if rung + 1 == len(self.rungs) or -root in self._promoted.get((bracket, rung), set()):
            return None
        return self._promoted_from(-root, bracket, rung)

    def _by_kind(self, scores: _Scores, promoted: set[int]) -> int | None:
        """Return the best initial point of a kind none of whose initial points is promoted, if there are kinds."""
        initial = range(len(self._strategy.initial_points or ()))
        kinds = {
            root: order.kinds(self._architectures[root]) for root in scores if self._inner_numbers[root] in initial
        }
        if len(set(kinds.values())) < 2:
            return None
        ended = {kinds[root] for root in promoted if root in kinds}
        ranked = self._ranked({root: scores[root] for root in kinds})
        able = (root for root in ranked if root not in self._set_aside | self._ended)
        return next((root for root in able if kinds[root] not in ended), None)

    def _by_share(self, scores: _Scores, promoted: set[int]) -> int | None:
        """Return the best root of a rung that isn't promoted, as long as fewer than 1/η are."""
        if len(promoted) >= len(scores) // self.reduction:
            return None
        return next((root for root in self._ranked(scores) if root not in promoted | self._ended), None)

    def _by_rank(self, scores: _Scores, promoted: set[int]) -> int | None:
        """Return the best root that isn't promoted of the best 1/η of a rung, or of the best one alone."""
        able = [root for root in self._ranked(scores) if root not in self._ended]
        best = able[: max(1, len(scores) // self.reduction)]
        return next((root for root in best if root not in promoted), None)

    @staticmethod
    def _ranked(scores: _Scores) -> list[int]:
        fitness = feasibility.fitness(list(scores.values()), [0.0] * len(scores))
        roots = list(scores)
        return [roots[index] for index in np.argsort(-fitness, kind="stable")]

    # ------------------------------------------------------------------ tell

    def observe(self, observation: Observation) -> None:
        number, values, scores = observation.number, observation.values, observation.scores
        if not observation.is_candidate:
            inner_number = self._inner_numbers[number]
            self._strategy.tell_observation(dataclasses.replace(observation, number=inner_number))
            self._has_diagnostics = True
            return
        root = self._roots[number]
        if scores is not None and not observation.violation:
            self._scores.setdefault(_position(values), {})[root] = scores
            self._architectures[root], self._latest[root] = low_fidelity_oracle.architecture_of(values), number
            if observation.training.is_fitted and self.min_data_share == self.min_resolution == 1:
                self._ended.add(root)
        elif low_fidelity_oracle.is_promotion(values):
            bracket, rung = _position(values)
            if scores is None and self.is_new(values):
                self._promoted[bracket, rung - 1].discard(root)  # It may be tried again.
            else:
                self._ended.add(root)
        self._inform_strategy(root, observation)

    def diagnostics(self) -> dict[str, float]:
        numbers = {"promotions": float(sum(map(len, self._promoted.values())))}
        for rung in range(len(self.rungs)):
            counts = (len(scores) for (_, at), scores in self._scores.items() if at == rung)
            numbers[f"rung/{rung}"] = float(sum(counts))
        return super().diagnostics() | {f"strategy/{name}": number for name, number in numbers.items()}

    def _inform_strategy(self, root: int, observation: Observation) -> None:
        """Tell the strategy the result of a new architecture, or let it observe that of a promotion."""
        values, scores = observation.values, observation.scores
        is_promotion, (_, rung) = low_fidelity_oracle.is_promotion(values), _position(values)
        self._has_diagnostics = not is_promotion
        if is_promotion and scores is None:
            return
        inner = Observation(
            self._inner_numbers[root],
            low_fidelity_oracle.architecture_of(values),
            scores if rung == 0 or root not in self._latest else self._comparable(root),
            None if is_promotion else observation.margins,  # The strategy has observed the margins before.
            training=Training(self.rungs[rung].cost(self.full_epochs), scores),
            is_update=is_promotion,
        )
        if is_promotion:
            self._strategy.observe(inner)
        else:
            self._strategy.tell_observation(inner)

    def _comparable(self, root: int) -> tuple[float, ...]:
        """Return the latest scores of an architecture as they would be at the lowest rung."""
        levels: list[_Scores] = [{} for _ in self.rungs]
        for (_, rung), scores in self._scores.items():
            levels[rung] |= scores
        return scale.latest(levels)[root]


def _position(values: Mapping[str, Scalar]) -> tuple[int, int]:
    """Return the bracket and the rung of a trial."""
    return int(values.get(reserved.BRACKET, 0)), int(values[reserved.RUNG])
