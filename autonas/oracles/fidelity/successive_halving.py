"""Successive halving: any strategy searches with short trainings, and the best of these go on."""

import numpy as np

from autonas.arguments import checks
from autonas.oracles import base, feasibility
from autonas.oracles.fidelity import low_fidelity_oracle, scale
from autonas.trials import reserved, states

#: Share of a full training after which architectures are compared first.
_FIRST_SHARE = 1 / 50
#: What the values of a trial hold besides what the strategy asked for.
_SLICE = {
    reserved.TRIAL_ID, reserved.INITIAL_EPOCH, reserved.EPOCHS, reserved.RUNG, reserved.BRACKET, reserved.DATA_SHARE,
    reserved.RESOLUTION,
}  # fmt: skip


class SuccessiveHalvingOracle(low_fidelity_oracle.LowFidelityOracle):
    r"""Asynchronous successive halving (ASHA, Li et al., "A system for massively parallel hyperparameter tuning",
    2020) around any strategy.

    The strategy proposes architectures, each of which is trained for the epochs of the lowest rung, r_0. Of those that
    have been scored at rung k, the best share 1/η is trained on, exactly from where it was, to

        r_{k+1} ≈ η r_k,    until r_n = `max_epochs`.

    A promotion is a trial of its own, whose values are the architecture's and

    - `tuner/trial_id`, the trial whose training it goes on with;
    - `tuner/initial_epoch` and `tuner/epochs`, the slice: it trains from the epoch after the first to the second;
    - `tuner/rung`, from 0;
    - `tuner/data_share` and `tuner/resolution`, if lower rungs have less of it: on what share of the training rows, and
      on images of what height and width over those of the data, the slice is trained.

    First trials have `tuner/initial_epoch` 0. It never waits for a rung to fill: whenever a trial is asked for, the
    highest rung with a place left is looked for, and if there is none the strategy is asked. `max_trials` counts
    architectures, not promotions.

    The search of architectures ends with `max_trials` or with the space, and comes second when `finish` is called;
    promotions go on after that. Then, each rung has a place at least, so that the best of the search is trained in full
    however few there were, and whatever is among the best 1/η of all is promoted: from the lowest rung on, since those
    above are then complete; or, after `finish`, from the highest on, which is the shortest way to a full training.

    Order within a rung is by score, of several scores by layers of non-dominated ones (NSGA-II); what breaks a limit
    or has failed is never promoted. Scores of different rungs are never compared, but by `fidelity.comparable`. What is
    to be served is the best of the highest rung that was reached.

    What the strategy is told: one that `knows_fidelities`, as the Bayesian does, each score with its fidelity, the
    share of a full training's cost. Any other the score at the lowest rung, and, by `observe_again`, what the later
    ones would be at the lowest.

    Its `numbers` are those of the strategy inside after trials that it was told of as new, whose scores are as at the
    lowest rung, and, under `strategy/`, `rung/0`, `rung/1` and so on, how many architectures were scored at each, and
    `promotions`, how many went on.

    Deviation: Li et al. promote what is among the best 1/η when it is asked for. With a strategy that gets better and
    better this is more than 1/η in the end: on SpikeNAS-Bench, of 100 epochs, with evolution and r_0 = 4, test
    accuracies after 1,000 and 5,000 epochs in all (100 seeds) were 88.52 and 88.84 %, and are 88.67 and 88.91 % if no
    more than 1/η of a rung is promoted; on NAS-Bench-201 (12 and 200 epochs, η = 17) 93.67 and 94.03 % after 1,200 and
    2,400 epochs, and 93.91 and 94.14 %.

    On SpikeNAS-Bench the test accuracy of the best after 500, 1,000, 2,000 and 5,000 epochs in all is, with evolution
    and the defaults, 88.64, 88.80, 88.91 and 88.99 % (200 seeds); on four workers 88.51, 88.59, 88.86 and 88.99 % (100
    seeds). With the Bayesian strategy it is 88.68 and 88.77 % after the first two (60 seeds); random ones trained in
    full reach 88.02, 88.18, 88.37 and 88.55 %. A lowest rung of 1 epoch is no better, one of 4 is worse (with evolution
    88.20 % after 500 epochs).

    Args:
        strategy: A name such as `"evolution"`, or an oracle that trains all in full, such as one that trains a supernet
            first. Defaults to `"bayesian"`.
        reduction: η: of so many one is promoted. Defaults to 3.
        min_epochs: r_0, the epochs of the lowest rung; `None` is a fiftieth of `max_epochs`, and at least one. Defaults
            to `None`.
        max_epochs: Epochs of a full training; `None` if `AutoModel` says so. Defaults to `None`.
        min_data_share: Share of the training rows in the lowest rung, from 0.01 to 1; always the same rows. It grows
            from rung to rung by a factor, to all rows in the highest. Validation is on all its rows. Defaults to 1.
        min_resolution: Height and width of images in the lowest rung over those of the data, from 0.01 to 1; it grows
            like the share of rows. Validation is at the same resolution. A network whose weights depend on the size of
            its images, such as one that flattens them, is trained at full resolution. Defaults to 1.
        **kwargs: As in `Oracle`.
    """

    goes_on = True

    def __init__(
        self,
        strategy="bayesian",
        reduction=3,
        min_epochs=None,
        max_epochs=None,
        min_data_share=1.0,
        min_resolution=1.0,
        **kwargs,
    ):
        super().__init__(strategy, min_epochs, max_epochs, **kwargs)
        self.reduction = reduction
        self.min_data_share = min_data_share
        self.min_resolution = min_resolution
        self._is_finishing = False
        self._margins = None
        # An architecture is known by the number of its first trial, its root; a rung by its bracket and its place.
        #: By the number of a trial: the root.
        self._roots = {}
        #: By root: its number in the order in which the strategy was asked, its values, and its latest trial.
        self._inner_numbers, self._architectures, self._latest = {}, {}, {}
        #: By bracket and rung: dict from root to scores, and the roots that go on from there.
        self._scores, self._promoted = {}, {}
        #: Roots of which a promotion has failed.
        self._failed = set()

    def check(self):
        super().check()
        checks.check_integer("reduction", self.reduction, 2)
        checks.check_number("min_data_share", self.min_data_share, 0.01, 1)
        checks.check_number("min_resolution", self.min_resolution, 0.01, 1)

    # ------------------------------------------------------------------ rungs

    @property
    def rungs(self):
        """A list of `fidelity.Rung`, ascending."""
        lowest = self.least_epochs(_FIRST_SHARE)
        return scale.rungs(lowest, self.max_epochs, self.reduction, self.min_data_share, self.min_resolution)

    @property
    def brackets(self):
        """The lowest rung of each bracket, a list."""
        return [0]

    def next_bracket(self):
        """The bracket that the next architecture joins."""
        return 0

    def finish(self):
        """Time is short: from now on promotions come first, those that are nearest to a full training before others,
        and new architectures are asked for only if there is none."""
        self._is_finishing = True

    def promotable(self):
        waiting = []
        for (bracket, rung), scores in self._scores.items():
            if rung + 1 < len(self.rungs):
                ranked = self._ranked(scores)
                over = self._promoted.get((bracket, rung), set()) | self._failed
                waiting += [(at / len(ranked), -rung, root) for at, root in enumerate(ranked) if root not in over]
        return [states.id_of(self._latest[root]) for *_, root in sorted(waiting)]

    # ------------------------------------------------------------------ ask

    def is_over(self):
        return False

    def counts(self, values):
        return super().counts(values) and not _is_promotion(values)

    def _propose(self, generator):
        if not all(map(base.is_candidate, self.pending.values())):
            return base.WAIT  # What comes of a supernet decides what is worth training.
        from_below = range(len(self.rungs) - 1)
        values = self._promotion(self._by_rank if self._is_finishing else self._by_share, reversed(from_below))
        if values is not None:
            return values
        answer = base.DONE
        if not self.is_full():
            answer = self._strategy.ask()
        if isinstance(answer, dict) and not base.is_candidate(answer):
            return answer
        if isinstance(answer, dict):
            bracket = self.next_bracket()
            return answer | self._slice(bracket, self.brackets[bracket])
        # There is time: what goes on to a full training is better known when the rungs below are complete.
        values = self._promotion(self._by_rank, from_below)
        if values is not None:
            return values
        return base.WAIT if self.pending else answer

    def repeat_ask(self, values):
        if not _is_promotion(values):
            self._strategy.repeat_ask(_architecture(values))
        self._record(values)

    def _record(self, values):
        root = number = self.n_asked
        if _is_promotion(values):
            root = self._roots[int(values[reserved.TRIAL_ID])]
            bracket, rung = _place(values)
            self._promoted.setdefault((bracket, rung - 1), set()).add(root)
        else:
            self._inner_numbers[root] = self._strategy.n_asked - 1
        self._roots[number] = root
        super()._record(values)

    def _slice(self, bracket, rung, earlier=None):
        """What the values of a trial hold besides the architecture; `earlier` is the number of the trial before."""
        of = self.rungs[rung]
        values = {reserved.INITIAL_EPOCH: 0, reserved.EPOCHS: of.epochs, reserved.RUNG: rung}
        if earlier is not None:
            values |= {reserved.INITIAL_EPOCH: self.rungs[rung - 1].epochs, reserved.TRIAL_ID: states.id_of(earlier)}
        if self.min_data_share < 1:
            values[reserved.DATA_SHARE] = of.data_share
        if self.min_resolution < 1:
            values[reserved.RESOLUTION] = of.resolution
        if len(self.brackets) > 1:
            values[reserved.BRACKET] = bracket
        return values

    def _promotion(self, rule, rungs):
        """The promotion from the first of some rungs from which there is one by a rule, or `None`."""
        for rung in rungs:
            for bracket in range(len(self.brackets)):
                scores = self._scores.get((bracket, rung), {})
                root = rule(scores, self._promoted.get((bracket, rung), set())) if scores else None
                if root is not None:
                    return self._architectures[root] | self._slice(bracket, rung + 1, self._latest[root])
        return None

    def _by_share(self, scores, promoted):
        """The best of a rung that isn't promoted, as long as fewer than 1/η are."""
        if len(promoted) >= len(scores) // self.reduction:
            return None
        return next((root for root in self._ranked(scores) if root not in promoted), None)

    def _by_rank(self, scores, promoted):
        """The best that isn't promoted of the best 1/η of a rung, of the best one at least."""
        able = [root for root in self._ranked(scores) if root not in self._failed]
        best = able[: max(1, len(scores) // self.reduction)]
        return next((root for root in best if root not in promoted), None)

    @staticmethod
    def _ranked(scores):
        fitness = feasibility.fitness(list(scores.values()), [0.0] * len(scores))
        roots = list(scores)
        return [roots[place] for place in np.argsort(-fitness, kind="stable")]

    # ------------------------------------------------------------------ tell

    def observe_margins(self, number, values, margins):
        self._margins = margins

    def observe(self, number, values, scores):
        margins, self._margins = self._margins, None
        root = self._roots[number]
        if scores is not None and not feasibility.violation(margins):
            self._scores.setdefault(_place(values), {})[root] = scores
            self._architectures[root], self._latest[root] = _architecture(values), number
        elif _is_promotion(values):
            bracket, rung = _place(values)
            if scores is None and self._is_new(values):
                self._promoted[bracket, rung - 1].discard(root)  # It may be tried again.
            else:
                self._failed.add(root)
        self._tell_strategy(root, values, scores, margins)

    def observe_report(self, number, values, report):
        self._strategy.tell_report(self._inner_numbers[number], values, report)
        self._has_told = True

    def numbers(self):
        found = {"promotions": float(sum(map(len, self._promoted.values())))}
        for rung in range(len(self.rungs)):
            found[f"rung/{rung}"] = float(sum(len(scores) for (_, at), scores in self._scores.items() if at == rung))
        return super().numbers() | {f"strategy/{name}": number for name, number in found.items()}

    def _tell_strategy(self, root, values, scores, margins):
        strategy, number, architecture = self._strategy, self._inner_numbers[root], _architecture(values)
        self._has_told = not _is_promotion(values)
        if _is_promotion(values):
            if scores is None:
                return
            margins = None  # It knows them.
        share = self.rungs[values[reserved.RUNG]].cost(self.max_epochs)
        if strategy.knows_fidelities and _is_promotion(values):
            strategy.observe_fidelity(number, architecture, share)
            strategy.observe(number, architecture, scores)
            self._has_told = True
        elif strategy.knows_fidelities:
            strategy.tell(number, architecture, scores, margins, share)
        elif _is_promotion(values):
            strategy.observe_again(number, architecture, self._comparable(root))
        else:
            is_lowest = values[reserved.RUNG] == 0
            known = scores if is_lowest or root not in self._latest else self._comparable(root)
            strategy.tell(number, architecture, known, margins)

    def _comparable(self, root):
        """The scores of an architecture as they would be at the lowest rung."""
        levels = [{} for _ in self.rungs]
        for (_, rung), scores in self._scores.items():
            levels[rung] |= scores
        return scale.latest(levels)[root]


def _is_promotion(values):
    return base.is_candidate(values) and reserved.is_continued(values)


def _architecture(values):
    """The values that the strategy asked for."""
    if not base.is_candidate(values):
        return values
    return {name: value for name, value in values.items() if name not in _SLICE}


def _place(values):
    return values.get(reserved.BRACKET, 0), values[reserved.RUNG]
