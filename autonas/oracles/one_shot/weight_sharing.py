"""Weight sharing: any strategy asks for thousands of scores of one supernet, and the best few are trained alone."""

import copy
import math

import numpy as np
from scipy import stats

from autonas.arguments import checks
from autonas.oracles import base, registry
from autonas.oracles.one_shot import supernet_oracle
from autonas.trials import reserved
from autonas.trials.states import Stage

SAMPLINGS = ("fair", "uniform", "strategy")


class WeightSharingOracle(supernet_oracle.SupernetOracle):
    """One-shot search: lets any strategy search with the scores of a supernet.

    After the stages of `SupernetOracle`, in which the supernet is trained on one path a step, come

    3. one trial with `tuner/stage` `"one_shot"`: the strategy is asked for `queries` architectures (`tuner/queries`)
       and told what each scores with the weights of the supernet, a score for each objective. Architectures that break
       a limit are not scored, and don't count: it is told their margins;
    4. the finalists: the architectures of the best one-shot scores, each trained by itself, with the weights of the
       supernet to begin with if they are to `inherit` them (`tuner/supernet_epochs` are its epochs by then). Of several
       objectives they are the Pareto front of these scores, spread over it, and then what only the front dominates.

    A score that counts is always one of stage 4, or of the default architecture. How well the one-shot scores order
    architectures is measured on those that have both: see `rank_correlation`.

    Paths are drawn evenly (Guo et al., "Single path one-shot neural architecture search", 2020; strictly fair: Chu et
    al., "FairNAS", 2021) or by the strategy, which is told the scores of what it draws while the weights are trained
    (Pham et al., "Efficient neural architecture search via parameter sharing", 2018). In the second case it may draw an
    architecture more than once, and what it has learned is where stage 3 begins.

    The report of stage 3 holds `"finalists"`, pairs of architecture and one-shot score, best first. The score is a list
    if there are several objectives, and `None` if no architecture was within the limits: then those are handed on that
    are nearest to them. Reports of the supernet's epochs hold, if the strategy draws the paths, `"told"`: architecture,
    scores (`None` if it wasn't scored) and margins of what it asked for. Larger scores are better.

    Its `numbers` are those of `SupernetOracle`, those of a strategy that draws the paths after each epoch, and
    `rank_correlation`.

    Args:
        strategy: A name such as `"evolution"` or `"reinforcement"`, or an oracle that needs no supernet. Defaults to
            `"evolution"`.
        epochs: As in `SupernetOracle`.
        sampling: How the paths that are trained are drawn: `"fair"`: each option of a decision equally often,
            `"uniform"`: at random, or `"strategy"`. Defaults to `"fair"`.
        queries: Number of one-shot scores. Defaults to 1000.
        inherit: Whether finalists begin with the weights of the supernet. Defaults to `False`.
        **kwargs: As in `Oracle`.
    """

    def __init__(self, strategy="evolution", epochs=None, sampling="fair", queries=1000, inherit=False, **kwargs):
        super().__init__(epochs=epochs, **kwargs)
        self.strategy = strategy
        self.sampling = sampling
        self.queries = queries
        self.inherit = inherit
        #: The space's `OperationGraph`, for a strategy that takes one and has none.
        self.structure = None
        self._inner = None
        self._finalists = None
        self._alone = {}

    def check(self):
        super().check()
        if _scores_at_once(self.strategy):
            self.strategy.check()
        elif not isinstance(self.strategy, str) or self.strategy not in registry.STRATEGIES:
            raise ValueError(
                f"`strategy` must be one of {', '.join(map(repr, registry.STRATEGIES))} or an oracle of autonas that "
                f"needs no supernet and trains all in full. Received: strategy={self.strategy!r:.100}"
            )
        checks.check_option("sampling", self.sampling, SAMPLINGS)
        checks.check_integer("queries", self.queries, 1)
        if not isinstance(self.inherit, bool):
            raise ValueError(f"`inherit` must be True or False. Received: inherit={self.inherit!r}")

    def supernet_training(self):
        return {"method": "paths", "epochs": self.epochs, "sampling": self.sampling}

    def derive(self, generator):
        if self._finalists is None:
            return {reserved.STAGE: Stage.ONE_SHOT.value, reserved.QUERIES: self.queries}
        inherited = {reserved.SUPERNET_EPOCHS: self._n_epochs} if self.inherit else {}
        new = (values | inherited for values, _ in self._finalists if not self.has_tried(values))
        return next(new, base.DONE)

    def strategy_for(self, values):
        """The strategy that draws the paths of a supernet's epoch, or asks for one-shot scores; a copy of its own.

        Architectures are numbered in the order of asking, on from its `n_asked`.
        """
        if self.sampling == "strategy" and not base.is_candidate(values):
            inner = copy.deepcopy(self._drawing())
            inner.repeats = reserved.stage_of(values) == Stage.SUPERNET
            return inner
        return registry.inside(self) if reserved.stage_of(values) == Stage.ONE_SHOT else None

    def observe(self, number, values, scores):
        super().observe(number, values, scores)
        if scores is not None:
            self._alone[self.encoding.key(values)] = scores[0]

    def observe_again(self, number, values, scores):
        self._alone[self.encoding.key(values)] = scores[0]

    def observe_report(self, number, values, report):
        super().observe_report(number, values, report)
        if report is None:
            return
        if reserved.stage_of(values) == Stage.ONE_SHOT:
            self._finalists = [(architecture, score) for architecture, score in report["finalists"]]
        elif self.sampling == "strategy":
            # The copy that was told of these is gone.
            inner = self._drawing()
            for architecture, scores, margins in report["told"]:
                inner.learn(architecture, None if scores is None else tuple(scores), margins)

    @property
    def rank_correlation(self):
        """Kendall's τ between one-shot scores and those of stand-alone training, by the first objective, of the
        architectures that have both; `None` before there are two, and where one of the scores is the same for all."""
        firsts = [(values, np.ravel(score)[0]) for values, score in self._finalists or [] if score is not None]
        known = [(score, self._alone.get(self.encoding.key(values))) for values, score in firsts]
        pairs = [pair for pair in known if pair[1] is not None]
        if len(pairs) < 2:
            return None
        correlation = float(stats.kendalltau(*zip(*pairs, strict=True)).statistic)
        return None if math.isnan(correlation) else correlation

    def numbers(self):
        correlation = {} if self.rank_correlation is None else {"rank_correlation": self.rank_correlation}
        drawing = self._inner.numbers() if self._report and self._inner is not None else {}
        return super().numbers() | drawing | correlation

    def _drawing(self):
        """The strategy that learns while it draws the paths."""
        if self._inner is None:
            self._inner = registry.inside(self)
            # Each copy of it would begin with them.
            self._inner.initial_points = []
            self._inner.repeats = True
        return self._inner


def _scores_at_once(strategy):
    """Whether an oracle can be asked for architectures whose scores need no training."""
    is_ours = isinstance(strategy, base.Oracle) and strategy.supernet_training() is None
    return is_ours and not (strategy.goes_on or strategy.stops_trainings)
