"""Ensemble selection: not worse than the best candidate on many rows, of so many at most, within what is allowed."""

import functools
import itertools

import numpy as np
import pytest

from autonas.search import ensembles
from autonas.search.ensembles import selection

TRUTH = np.random.default_rng(0).normal(size=200)


def predictions(noises):
    """Candidates that are wrong by independent noise of so much."""
    generator = np.random.default_rng(1)
    return {
        str(place): {"y": (TRUTH + noise * generator.normal(size=200))[:, None]} for place, noise in enumerate(noises)
    }


def error(predicted, members=None, rows=None, n_seen=200):
    truth = TRUTH[:n_seen] if rows is None else TRUTH[:n_seen][rows]
    return {"error": float(np.mean((predicted["y"][:, 0] - truth) ** 2))}


on_seen = functools.partial(error, n_seen=30)


def is_better(scores, other):
    return scores["error"] < other["error"]


def chosen(candidates, size=5, **arguments):
    best = min(candidates, key=lambda each: error(candidates[each])["error"])
    return ensembles.select(candidates, best, error, is_better, size, **arguments)


def average(candidates, members):
    return {"y": sum(weight * candidates[name]["y"] for name, weight in members.items())}


def test_the_scores_are_those_of_the_weighted_average():
    candidates = predictions([0.5, 0.6, 0.7])
    found = chosen(candidates)
    assert sum(found.members.values()) == pytest.approx(1)
    assert found.before == error(candidates[next(iter(found.members))])
    assert found.after["error"] == pytest.approx(error(average(candidates, found.members))["error"], rel=1e-9)


def test_independent_errors_cancel():
    # The variance of the mean of five is a fifth.
    found = chosen(predictions([0.5] * 5))
    assert len(found.members) == 5 and found.after["error"] < 0.3 * found.before["error"]


def test_the_better_one_weighs_more():
    # Least squares would give weights in proportion to 1 / variance: 4 to 1.
    found = chosen(predictions([0.5, 1.0]))
    assert found.members["0"] == pytest.approx(0.8, abs=0.1)


def test_it_is_as_good_as_the_best_of_all_bags_of_three():
    candidates = predictions([0.5, 0.55, 0.6, 0.65])
    best = min(
        error({"y": np.mean([candidates[each]["y"] for each in bag], axis=0)})["error"]
        for bag in itertools.combinations_with_replacement(candidates, 3)
    )
    assert chosen(candidates).after["error"] <= best


@pytest.mark.parametrize("size", [1, 2, 3])
def test_so_many_different_ones_at_most(size):
    assert len(chosen(predictions([0.5] * 6), size).members) == size


def test_what_does_not_help_is_left_out():
    right = {"y": TRUTH[:, None]}
    found = chosen({"right": right, "wrong": {"y": TRUTH[:, None] + 1}})
    assert found.members == {"right": 1.0} and found.after == found.before and found.refused == 0


def test_what_is_not_allowed_is_left_out_and_counted():
    candidates = predictions([0.5, 0.5, 0.5])
    best = next(iter(chosen(candidates).members))
    allowed = next(name for name in candidates if name != best)
    found = chosen(candidates, is_allowed=lambda members: members <= {best, allowed})
    assert set(found.members) == {best, allowed} and found.refused == 1
    found = chosen(candidates, is_allowed=lambda members: False)
    assert found.members == {best: 1.0} and found.refused == 2


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_candidate_that_is_refused_on_one_sample_is_scored_on_the_others(order):
    # At most two networks are allowed; one helps on some rows, the other on the other rows.
    halves = [np.arange(100), np.arange(100, 200)]
    candidates = {"first": {"y": TRUTH[:, None] + 1}}
    for name, rows in zip(["one", "other"], halves, strict=True):
        candidates[name] = {"y": TRUTH[:, None] + 1.0}
        candidates[name]["y"][rows] -= 2
    asked = set()

    def scored(predicted, members, rows):
        asked.add((frozenset(members), None if rows is None else tuple(rows)))
        return error(predicted, members, rows)

    samples = [halves[index] for index in order]
    selection.select(
        candidates, "first", scored, is_better, 5, samples=samples, is_allowed=lambda members: len(members) < 3
    )
    for name, rows in zip(["one", "other"], halves, strict=True):
        assert (frozenset({"first", name}), tuple(rows)) in asked


def test_a_selection_on_samples_of_the_rows_has_more_even_weights_and_carries_over():
    # Thirty rows say little about which of eight equally good candidates is better.
    ratios, members = [], []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        candidates = {str(name): {"y": (TRUTH + generator.normal(size=200))[:, None]} for name in range(8)}
        seen = {name: {"y": made["y"][:30]} for name, made in candidates.items()}

        best = min(seen, key=lambda name: on_seen(seen[name])["error"])
        samples = [generator.integers(30, size=30) for _ in range(10)]
        single, sampled = (
            ensembles.select(seen, best, on_seen, is_better, 8, samples=chosen) for chosen in ((), samples)
        )
        errors = [error(average(candidates, selected.members))["error"] for selected in (sampled, single)]
        ratios.append(errors[0] / errors[1])
        members.append(len(sampled.members) >= len(single.members))
    assert np.exp(np.mean(np.log(ratios))) < 0.99 and np.mean(members) > 0.9


def test_weights_of_samples_are_the_nearer_to_equal_ones_the_fewer_rows_there_are():
    candidates = predictions([0.5, 0.7])
    single, sampled = (chosen(candidates, samples=samples).members for samples in ((), [np.arange(200)]))
    expected = {name: (200 * weight + 500 / 2) / 700 for name, weight in single.items()}
    assert sampled == pytest.approx(expected, abs=0.02)


def test_few_rows_need_no_gain_since_the_best_of_many_candidates_is_best_by_luck():
    """Twenty candidates are scored by thirty rows. They are equally good on others."""
    errors = {loss: [] for loss in (None, lambda scores: scores["error"])}
    for seed in range(40):
        generator = np.random.default_rng(seed)
        # Some candidates are lucky on the thirty rows, so that no average is better there.
        luck = np.where(np.arange(200) < 30, generator.uniform(0.5, 1.5, size=(20, 1)), 1)
        noise = luck * (generator.normal(size=200) + generator.normal(size=(20, 200)))
        candidates = {str(name): {"y": (TRUTH + noise[name])[:, None]} for name in range(20)}
        seen = {name: {"y": made["y"][:30]} for name, made in candidates.items()}

        best = min(seen, key=lambda name: on_seen(seen[name])["error"])
        samples = [generator.integers(30, size=30) for _ in range(6)]
        for loss, of_one in errors.items():
            selected = ensembles.select(seen, best, on_seen, is_better, 5, samples=samples, loss=loss)
            of_one.append(error(average(candidates, selected.members))["error"])
    with_gain, without = map(np.mean, errors.values())
    assert without < 0.97 * with_gain


def test_a_candidate_that_is_better_by_more_than_two_standard_errors_stays_alone():
    candidates = {"near": {"y": TRUTH[:, None] + 0.1}, "far": {"y": TRUTH[:, None] + 0.5}}
    samples = [np.random.default_rng(seed).integers(200, size=200) for seed in range(6)]
    selected = chosen(candidates, samples=samples, loss=lambda scores: scores["error"])
    assert selected.members == {"near": 1.0}


def test_members_are_selected_by_the_predictions_to_compare_and_scored_by_their_own():
    candidates = predictions([0.5, 0.6])
    equal = dict.fromkeys(candidates, candidates["1"])
    selected = chosen(candidates, compared=equal | {"0": {"y": TRUTH[:, None]}})
    assert selected.members == {"0": 1.0} and selected.after == error(candidates["0"])


def test_candidates_that_are_not_significantly_worse_than_the_best_one_are_averaged_with_equal_weights():
    """Some candidates are equally good by a test of the paired differences; the last one is far off."""
    candidates = predictions([0.5, 0.5, 0.5, 0.51, 0.52, 0.8, 3.0])
    best = min(candidates, key=lambda name: error(candidates[name])["error"])
    samples = [np.random.default_rng(seed).integers(200, size=200) for seed in range(200)]
    squares = {name: (made["y"][:, 0] - TRUTH) ** 2 for name, made in candidates.items()}
    differences = {name: square - squares[best] for name, square in squares.items()}
    equals = {name for name, values in differences.items() if values.mean() <= 2 * values.std() / np.sqrt(200)}
    assert 2 < len(equals) < 6
    select = functools.partial(ensembles.select_equals, candidates, best, error, lambda scores: scores["error"])
    found = select(7, samples=samples)
    assert found.members == pytest.approx(dict.fromkeys(equals, 1 / len(equals)))
    assert found.before == error(candidates[best])
    assert found.after["error"] == pytest.approx(error(average(candidates, found.members))["error"])
    assert len(select(2, samples=samples).members) == 2
    allowed = {best, next(iter(equals - {best}))}
    assert set(select(7, samples=samples, is_allowed=lambda members: members <= allowed).members) == allowed
    # Scores of samples of a few rows differ more, and are no reason for another choice.
    assert set(select(7, samples=[rows[:50] for rows in samples]).members) == equals


def test_the_simplest_candidate_has_half_of_the_weight_on_few_rows_and_little_on_many():
    for n_rows, least in ((1, 0.495), (100, 0.25), (9900, 0.005)):
        weights = selection.with_simplest({"a": 0.75, "b": 0.25}, "linear", n_rows)
        assert weights["linear"] == pytest.approx(least, rel=1e-3)
        assert weights["a"] == pytest.approx(3 * weights["b"]) and sum(weights.values()) == pytest.approx(1)
    assert selection.with_simplest({"a": 0.5, "linear": 0.5}, "linear", 100) == {"a": 0.375, "linear": 0.625}


def test_probabilities_are_capped_where_the_rows_say_no_more():
    sure, unsure = [0.999, 0.0005, 0.0005, 0.0], [0.6, 0.2, 0.1, 0.1]
    capped = selection.capped(np.array([sure, unsure]), "multiclass", 0.9)
    np.testing.assert_allclose(capped, [[0.9, 0.05, 0.05, 0.0], unsure], atol=1e-6)
    np.testing.assert_allclose(selection.capped(np.array([[1.0, 0.0, 0.0]]), "multiclass", 0.9), [[0.9, 0.05, 0.05]])
    pairs = np.array([[0.99], [0.5], [0.0]])
    np.testing.assert_allclose(selection.capped(pairs, "binary", 0.9), [[0.9], [0.5], [0.1]])
    np.testing.assert_array_equal(selection.capped(pairs, "regression", 0.9), pairs)
