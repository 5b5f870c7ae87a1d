"""Weight sharing: a strategy searches with the scores of one supernet, and the best architectures are trained alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeGuard

import numpy as np
from scipy import stats

from autonas.arguments import checks
from autonas.oracles import base, registry
from autonas.oracles.base import Answer, Oracle
from autonas.oracles.observation import Observation
from autonas.oracles.one_shot import supernet_oracle
from autonas.search_space.values import Key, Scalar
from autonas.trials import reserved
from autonas.trials.states import Stage

SAMPLINGS = ("fair", "uniform", "prioritised", "strategy")


class WeightSharingOracle(supernet_oracle.SupernetOracle):
    """One-shot search: any strategy searches with the scores of a supernet.

    After the stages of `SupernetOracle`, in which the supernet is trained on one path a step, come

    3. one trial with `tuner/stage` `"one_shot"`: the strategy is asked for `queries` architectures (`tuner/queries`)
       and observes their scores with the weights of the supernet, one per objective. Architectures that violate a
       constraint are not scored and don't count; the strategy observes their margins;
    4. the finalists: the architectures of the best one-shot scores, trained by themselves, with the weights of the
       supernet to begin with if `inherit` is true (`tuner/supernet_epochs` is the number of its epochs), and for
       `finalist_epochs` (`tuner/epochs`) if it is given. With several
       objectives they are the Pareto front of the one-shot scores, spread over it, and then the next layers.

    Only stage 4 and the default architecture have scores that count. How well the one-shot scores rank architectures
    is measured on the architectures that have both scores: see `rank_correlation`.

    Paths are drawn evenly (Guo et al., "Single path one-shot neural architecture search", 2020; strictly fair: Chu et
    al., "FairNAS", 2021), also from the best paths so far (You et al., "GreedyNAS", 2020), or by the strategy, which
    observes the scores of its architectures while the weights are trained (Pham et al., "Efficient neural architecture
    search via parameter sharing", 2018). In the last case it may draw an architecture more than once, and begins stage
    3 with the knowledge of stage 1.

    The report of stage 3 holds `"finalists"`, pairs of an architecture and its one-shot score, best first. The score is
    a list if there are several objectives, and `None` if no architecture was feasible: then the finalists are the ones
    closest to the limits. Reports of the supernet's epochs hold, if the strategy draws the paths, `"told"`: triples of
    an architecture that it asked for, its scores (`None` if it wasn't scored) and its margins. Larger scores are
    better.

    Its `diagnostics` are the diagnostics of `SupernetOracle`, the diagnostics of a strategy that draws the paths after
    each epoch, and `rank_correlation`.

    Args:
        strategy: A name such as `"evolution"` or `"reinforcement"`, or an oracle that needs no supernet. Defaults to
            `"evolution"`.
        epochs: As in `SupernetOracle`.
        sampling: How the paths that are trained are drawn: `"fair"`: all options of a decision equally often,
            `"uniform"`: at random, `"prioritised"`: fair, and more and more often one of the best paths so far, or
            `"strategy"`. Defaults to `"fair"`.
        queries: Number of one-shot scores. Defaults to 1000.
        inherit: Whether finalists begin with the weights of the supernet. Defaults to `False`.
        finalist_epochs: Number of epochs of the training of a finalist, whose learning rate is annealed within them.
            Requires `inherit`, and at most the `epochs` of `AutoModel`. It can't be combined with successive halving,
            which sets the number of epochs itself. Defaults to `None`: a full training.
        **kwargs: As in `SupernetOracle`.

    Example:

    ```python
    import autonas

    model = autonas.AutoModel(strategy=autonas.oracles.WeightSharingOracle("evolution", queries=500))
    ```
    """

    def __init__(
        self,
        strategy: str | Oracle = "evolution",
        epochs: int | None = None,
        sampling: Literal["fair", "uniform", "prioritised", "strategy"] = "fair",
        queries: int = 1000,
        inherit: bool = False,
        *,
        finalist_epochs: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(epochs=epochs, **kwargs)
        self.strategy = strategy
        self.sampling = sampling
        self.queries = queries
        self.inherit = inherit
        self.finalist_epochs = finalist_epochs
        self._inner: Oracle | None = None
        #: Architectures with their one-shot scores, the best first; `None` before stage 4.
        self._finalists: list[tuple[dict[str, Scalar], Any]] | None = None
        #: By the key of an architecture: its first score when trained by itself.
        self._scores: dict[Key, float] = {}

    def check(self) -> None:
        super().check()
        if _scores_at_once(self.strategy):
            self.strategy.check()
        elif not isinstance(self.strategy, str) or self.strategy not in registry.STRATEGIES:
            raise ValueError(
                f"`strategy` must be one of {', '.join(map(repr, registry.STRATEGIES))} or an oracle of autonas that "
                f"needs no supernet and trains all candidates in full. Received: strategy={self.strategy!r:.100}"
            )
        checks.check_option("sampling", self.sampling, SAMPLINGS)
        points = self.strategy.arguments.get("initial_points") if isinstance(self.strategy, Oracle) else None
        if points and self.sampling == "strategy":
            raise ValueError(
                "`initial_points` of a strategy that draws the paths of a supernet must be None. Set another "
                f"`sampling`. Received: sampling='strategy', initial_points={points!r:.100}"
            )
        checks.check_integer("queries", self.queries, 1)
        if not isinstance(self.inherit, bool):
            raise ValueError(f"`inherit` must be True or False. Received: inherit={self.inherit!r}")
        if self.finalist_epochs is not None:
            checks.check_integer("finalist_epochs", self.finalist_epochs, 1)
            if not self.inherit:
                raise ValueError(
                    "`finalist_epochs` must be None where finalists begin with new weights. Received: "
                    f"finalist_epochs={self.finalist_epochs}, inherit=False. Set `inherit=True`, or the argument "
                    "`epochs` of AutoModel, which is the number of epochs of all candidates."
                )

    def supernet_training(self) -> dict[str, Any]:
        return {"method": "paths", "epochs": self.total_epochs, "sampling": self.sampling}

    def derive(self, generator: np.random.Generator) -> Answer:
        if self._finalists is None:
            return {reserved.STAGE: Stage.ONE_SHOT.value, reserved.QUERIES: self.queries}
        inherited = {reserved.SUPERNET_EPOCHS: self._n_epochs} if self.inherit else {}
        if self.finalist_epochs is not None:
            inherited[reserved.EPOCHS] = self.finalist_epochs
        new = (values | inherited for values, _ in self._finalists if self.is_new(values))
        return next(new, base.DONE)

    def strategy_for(self, values: Mapping[str, Scalar]) -> Oracle | None:
        """Return a copy of the strategy that draws the paths of an epoch of the supernet, or asks for one-shot scores.

        The numbers of its architectures begin with its `n_asked`.
        """
        if self.sampling == "strategy" and not base.is_candidate(values):
            return self._drawing().fork(repeats=reserved.stage_of(values) == Stage.SUPERNET)
        return registry.inside(self, self.strategy) if reserved.stage_of(values) == Stage.ONE_SHOT else None

    def observe(self, observation: Observation) -> None:
        super().observe(observation)
        report = observation.report
        if observation.scores is not None:
            self._scores[self.encoding.key(observation.values)] = observation.scores[0]
        elif report is None:
            return
        elif observation.stage == Stage.ONE_SHOT:
            self._finalists = [(architecture, score) for architecture, score in report["finalists"]]
        elif self.sampling == "strategy":
            # The copy that has observed these scores is gone.
            inner = self._drawing()
            for architecture, scores, margins in report["told"]:
                inner.learn(architecture, None if scores is None else tuple(scores), margins=margins)

    @property
    def is_infeasible(self) -> bool:
        """Whether every architecture that the strategy asked one-shot scores for violates a constraint."""
        return bool(self._finalists) and all(score is None for _, score in self._finalists or ())

    @property
    def rank_correlation(self) -> float | None:
        """Kendall's τ between one-shot scores and scores of stand-alone training, by the first objective, of the
        architectures that have both; `None` before there are two, and if all scores of one kind are equal."""
        firsts = [(values, np.ravel(score)[0]) for values, score in self._finalists or [] if score is not None]
        known = [(score, self._scores.get(self.encoding.key(values))) for values, score in firsts]
        pairs = [pair for pair in known if pair[1] is not None]
        if len(pairs) < 2:
            return None
        correlation = float(stats.kendalltau(*zip(*pairs, strict=True)).statistic)
        return None if math.isnan(correlation) else correlation

    def diagnostics(self) -> dict[str, float]:
        correlation = {} if self.rank_correlation is None else {"rank_correlation": self.rank_correlation}
        drawing = self._inner.diagnostics() if self._report and self._inner is not None else {}
        return super().diagnostics() | drawing | correlation

    def _drawing(self) -> Oracle:
        """Return the strategy that learns while it draws the paths."""
        if self._inner is None:
            # Every copy of the strategy would begin with its initial points.
            self._inner = registry.inside(self, self.strategy, initial_points=[], repeats=True)
        return self._inner


def _scores_at_once(strategy: object) -> TypeGuard[Oracle]:
    """Return whether an oracle can be asked for architectures whose scores need no training."""
    return isinstance(strategy, base.Oracle) and strategy.schedule is None and strategy.one_shot is None
