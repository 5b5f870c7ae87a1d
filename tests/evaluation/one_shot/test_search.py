"""Search by one-shot scores: how a strategy is asked and told, and which architectures are finalists."""

import itertools
import time

import keras_tuner
import numpy as np
import pytest

from autonas import oracles
from autonas.evaluation.one_shot import search
from autonas.objectives import pareto


def examined(value, scores, margins=None):
    return search.Examined({"value": value}, {}, scores, margins)


def refused(value, *margins):
    return examined(value, None, list(margins))


class Told(oracles.RandomOracle):
    """Remembers what it was told."""

    def __init__(self, size):
        hp = keras_tuner.HyperParameters()
        hp.Int("value", 1, size)
        super().__init__(objective="val_accuracy", hyperparameters=hp, seed=0, initial_points=[])
        self.told, self.margins = [], []

    def observe(self, observation):
        self.told.append((observation.number, observation.values["value"], observation.scores))
        if observation.margins is not None:
            self.margins.append((observation.number, observation.margins))


def within_3(values):
    """Those of at most 3 are scored."""
    value = values["value"]
    return examined(value, [float(value), -float(value)], [0.5]) if value <= 3 else refused(value, -1.0)


# ---------------------------------------------------------------------- asking and telling


def test_a_strategy_is_told_the_scores_of_what_it_asks_for():
    strategy = Told(5)
    found = search.ask_and_tell(strategy, 5, lambda values: examined(values["value"], [values["value"] / 2]))
    assert strategy.told == [(n, each.values["value"], tuple(each.scores)) for n, each in enumerate(found)]
    assert strategy.margins == [] and not strategy.pending and len(found) == 5


def test_what_is_refused_has_margins_alone_and_does_not_count():
    strategy = Told(20)
    found = search.ask_and_tell(strategy, 2, within_3)
    is_scored = [each.values["value"] <= 3 for each in found]
    assert sum(is_scored) == 2 or len(found) == 10
    assert [scores is not None for _, _, scores in strategy.told] == is_scored
    assert [margins for _, margins in strategy.margins] == [(0.5,) if each else (-1.0,) for each in is_scored]


def test_it_gives_up_after_five_times_as_many_refusals():
    assert len(search.ask_and_tell(Told(100), 4, lambda values: refused(values["value"], -1.0))) == 20


def test_a_score_that_is_not_a_number_counts_and_is_told_as_a_failure():
    strategy = Told(5)
    found = search.ask_and_tell(strategy, 3, lambda values: examined(values["value"], None))
    assert len(found) == 3 and [scores for _, _, scores in strategy.told] == [None] * 3


def test_it_ends_at_the_deadline_or_when_all_is_tried():
    def examine(values):
        return examined(values["value"], [1.0])

    assert len(search.ask_and_tell(Told(5), 100, examine, time.monotonic())) == 1
    assert len(search.ask_and_tell(Told(5), 100, examine)) == 5


# ---------------------------------------------------------------------- finalists


def by_value(values):
    return values["value"]


def test_finalists_of_one_objective_are_the_best_each_once():
    found = [examined(value, [score]) for value, score in [(1, 0.5), (2, 0.9), (1, 0.5), (3, 0.7), (4, 0.1)]]
    best = search.finalists([*found, refused(5, -0.1), examined(6, None)], 3, by_value)
    assert [each.values["value"] for each in best] == [2, 3, 1]


def test_where_all_are_refused_finalists_are_the_nearest_to_their_limits():
    found = [refused(value, 1.0, -value / 10) for value in range(1, 10)] + [refused(10, None, -0.05)]
    best = search.finalists([*found, examined(11, None)], 100, by_value)
    assert [each.values["value"] for each in best] == [10, 1, 2, 3, 4]
    assert search.finalists([examined(1, None)], 10, by_value) == []


def network_of(values):
    return values["value"] % 10


def test_of_architectures_with_the_same_network_the_best_is_a_finalist():
    found = [examined(value, [score]) for value, score in [(1, 0.5), (11, 0.6), (2, 0.5), (12, 0.4), (21, 0.9), (3, 0)]]
    assert [each.values["value"] for each in search.finalists(found, 100, network_of)] == [21, 2, 3]
    assert [each.values["value"] for each in search.finalists(found, 2, network_of)] == [21, 2]


def test_of_architectures_with_the_same_network_one_is_nearest_to_its_limits():
    found = [refused(value, -value / 10) for value in (1, 2, 11, 12, 3)]
    assert [each.values["value"] for each in search.finalists(found, 100, network_of)] == [1, 2, 3]


def test_finalists_of_several_objectives_come_layer_by_layer():
    layers = [[(0, 4), (2, 3), (4, 0)], [(0, 3), (1, 2), (3, 0)], [(0, 0)]]
    scores = [each for layer in layers for each in layer]
    order = list(search.in_order(scores))
    assert sorted(order[:3]) == [0, 1, 2] and sorted(order[3:6]) == [3, 4, 5] and order[6] == 6


def test_the_first_few_of_a_front_are_spread_over_it():
    angles = np.linspace(0, np.pi / 2, 101)
    front = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    order = list(search.in_order(front))
    assert sorted(order) == list(range(101))
    # The middle, then what lies half way between it and the ends.
    assert order[0] == 50
    assert sorted(order[:3]) == pytest.approx([25, 50, 75], abs=2)


@pytest.mark.parametrize("n_objectives", [2, 3])
def test_each_next_row_adds_the_most_hypervolume(n_objectives):
    scores = np.random.default_rng(0).normal(size=(60, n_objectives))
    scores = scores[pareto.non_dominated(scores)]
    low, high = scores.min(axis=0), scores.max(axis=0)
    reference = low - 0.1 * (high - low)
    order = list(itertools.islice(search.in_order(scores), 6))
    for n, place in enumerate(order):
        volumes = [pareto.hypervolume(scores[[*order[:n], other]], reference) for other in range(len(scores))]
        assert volumes[place] == pytest.approx(max(volumes))
