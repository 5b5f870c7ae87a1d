"""Events of independent decisions: their algebra and their probabilities."""

import itertools

import numpy as np
import pytest

from autonas.supernet import events

CHANCES = {"a": [0.2, 0.8], "b": [0.1, 0.3, 0.6], "c": [0.5, 0.5]}


def options(decision):
    return range(len(CHANCES[decision]))


def probability(event):
    return events.probability(event, lambda decision, option: CHANCES[decision][option], options)


def either(*several):
    result = events.NEVER
    for each in several:
        result = events.either(result, each, options)
    return result


def test_an_option_of_each_decision_is_taken():
    assert either(*(events.literal("b", option) for option in range(3))) == events.ALWAYS
    assert probability(either(events.literal("b", 0), events.literal("b", 2))) == pytest.approx(0.7)


def test_two_options_of_a_decision_exclude_each_other():
    assert events.both(events.literal("a", 0), events.literal("a", 1)) == events.NEVER


def test_events_of_several_decisions_are_independent():
    first, second = events.literal("a", 0), events.literal("b", 1)
    assert probability(events.both(first, second)) == pytest.approx(0.2 * 0.3)
    assert probability(either(first, second)) == pytest.approx(1 - 0.8 * 0.7)


def test_what_implies_another_adds_nothing():
    first = events.literal("a", 0)
    assert either(first, events.both(first, events.literal("c", 1))) == first


def test_probabilities_are_those_of_an_enumeration():
    generator = np.random.default_rng(0)
    for _ in range(30):
        event = events.NEVER
        for _ in range(3):
            way = events.ALWAYS
            for decision in generator.choice(list(CHANCES), 2, replace=False):
                way = events.both(way, events.literal(str(decision), int(generator.choice(options(decision)))))
            event = either(event, way)
        total = 0.0
        for chosen in itertools.product(*map(options, CHANCES)):
            if events.happens(event, dict(zip(CHANCES, chosen, strict=True))):
                total += np.prod([CHANCES[name][option] for name, option in zip(CHANCES, chosen, strict=True)])
        assert probability(event) == pytest.approx(total)
