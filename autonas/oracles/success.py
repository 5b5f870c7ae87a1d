"""Success: which architectures can be expected to be trained to the end, estimated from the trials that failed."""

import collections
import math
from collections.abc import Iterator, Mapping

from autonas.search_space.encoding import Encoding
from autonas.search_space.values import Key, Scalar

#: Prior log odds that an option is broken, the failure rate of a broken option, and the bounds of the failure rate of
#: all others.
_PRIOR = math.log(0.02 / 0.98)
_BROKEN_RATE = 0.9
_MIN_RATE, _MAX_RATE = 0.02, 0.9
#: The log odds don't fall below this, so that an option that breaks late is noticed.
_LEAST_ODDS = -6.0
#: Number of latest trials whose failure rate counts as that of the moment.
_WINDOW = 8
#: Least probability of success with which a failed architecture is tried again.
_MIN_PROBABILITY = 0.2
#: Number of intervals that the range of a number is cut into.
_N_INTERVALS = 4


class SuccessModel:
    """Estimates the probability that a trial succeeds.

    A failure says nothing about the score that an architecture would have had. It is transient, such as a lost worker,
    or systematic, such as an operation that needs too much memory.

    Whether failures are transient is learned from second attempts. With s of n of them successful, a failed
    architecture is expected to succeed with the probability r = (1 + s) / (2 + n), and after k failures with r^k. It is
    worth another attempt as long as this is 0.2 or more. While everything fails, nothing is tried again, and nothing is
    learned from second attempts: "everything" is the latest 8 trials.

    A systematic failure is put down to one option of one decision; ranges of numbers are cut into quarters. An option
    is either as good as any, with the failure rate p of all trials, or broken, with a failure rate of 0.9. The odds
    that it is broken begin with 0.02 / 0.98 and are multiplied by 0.9 / p for each failure and by 0.1 / (1 - p) for
    each success of an architecture that has it (Bayes' rule). p is the failure rate of the latest 8 trials where it is
    higher, so that no option is blamed when everything fails for a while. Second attempts don't count here.
    """

    def __init__(self) -> None:
        self._n_trials = self._n_failed = 0
        self._latest: collections.deque[bool] = collections.deque(maxlen=_WINDOW)
        #: Architectures of the successful trials before the first failure, which are counted after it.
        self._waiting: list[Mapping[str, Scalar]] = []
        #: By option: the log odds that it is broken, and how many trials with it succeeded and failed.
        self._odds: dict[tuple[str, Scalar], float] = {}
        self._counts: dict[tuple[str, Scalar], tuple[int, int]] = {}
        #: By key of an architecture: failures since its last success.
        self._failures: dict[Key, int] = {}
        self._n_again = self._n_again_successful = 0

    def add(self, encoding: Encoding, values: Mapping[str, Scalar], is_success: bool) -> None:
        """Add the outcome of a trial.

        Args:
            encoding: The space, an `Encoding`.
            values: The architecture.
            is_success: Whether the trial was completed.
        """
        key = encoding.key(values)
        is_again = key in self._failures
        if is_again and (is_success or any(self._latest)):
            self._n_again += 1
            self._n_again_successful += is_success
        if is_success:
            self._failures.pop(key, None)
        else:
            self._failures[key] = self._failures.get(key, 0) + 1
        if not self._n_failed and is_success:
            self._waiting.append(values)
        else:
            for earlier in self._waiting:
                self._count(encoding, earlier, True)
            self._waiting = []
            if not is_again:
                self._count(encoding, values, is_success)
        self._n_trials += 1
        self._n_failed += not is_success
        self._latest.append(is_success)

    def _count(self, encoding: Encoding, values: Mapping[str, Scalar], is_success: bool) -> None:
        rates = [(0.5 + self._n_failed) / (1 + self._n_trials)]
        rates.append((0.5 + self._latest.count(False)) / (1 + len(self._latest)))
        rate = min(max(*rates, _MIN_RATE), _MAX_RATE)
        change = math.log((1 - _BROKEN_RATE) / (1 - rate)) if is_success else math.log(_BROKEN_RATE / rate)
        for option in _options(encoding, values):
            self._odds[option] = max(self._odds.get(option, _PRIOR) + change, _LEAST_ODDS)
            n_successful, n_failed = self._counts.get(option, (0, 0))
            self._counts[option] = n_successful + is_success, n_failed + (not is_success)

    def is_worth_trying(self, key: Key) -> bool:
        """Return whether an architecture hasn't failed, or may succeed if it is tried again."""
        return key not in self._failures or (any(self._latest) and self._again(key) >= _MIN_PROBABILITY)

    def probability(self, encoding: Encoding, values: Mapping[str, Scalar]) -> float:
        """Return the probability of success relative to an architecture without known risks, from 0 to 1."""
        if not self._n_failed:
            return 1.0
        worst = min((self._of_option(option) for option in _options(encoding, values)), default=1.0)
        return worst * self._again(encoding.key(values))

    def _again(self, key: Key) -> float:
        return ((1 + self._n_again_successful) / (2 + self._n_again)) ** self._failures.get(key, 0)

    def _of_option(self, option: tuple[str, Scalar]) -> float:
        if option not in self._odds:
            return 1.0
        n_successful, n_failed = self._counts[option]
        rate = (0.5 + n_successful) / (1 + n_successful + n_failed)
        return 1 - (1 - rate) / (1 + math.exp(-self._odds[option]))


def _options(encoding: Encoding, values: Mapping[str, Scalar]) -> Iterator[tuple[str, Scalar]]:
    """Yield the options of an architecture, for the decisions that have several."""
    for dimension in encoding.dimensions:
        if dimension.name in values and dimension.size > 1:
            value = values[dimension.name]
            if dimension.is_ordered:
                value = min(int(_N_INTERVALS * dimension.position(value)), _N_INTERVALS - 1)
            yield dimension.name, value
