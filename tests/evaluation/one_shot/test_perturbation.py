"""Selection by perturbation, on a supernet whose loss is a known function of its distribution."""

import time

import numpy as np
import pytest

from autonas.evaluation.one_shot import perturbation
from tests.helpers import supernets

#: Worth of each operation of a decision; the best option isn't the most probable one.
WORTHS = {"convolution_3": 1.0, "average_pooling_3": 3.0, "identity": 0.0}
LOGITS = {"convolution_3": 1.0, "average_pooling_3": 0.0, "identity": 0.5}


class Trainer:
    """Trainer of a supernet with the loss -sum over the decisions of E[worth]."""

    held_rows = np.arange(40)

    def __init__(self):
        self.supernet = supernets.build(supernets.make_graph(n=30)[0])
        self.n_tunings = 0
        for selector in self.supernet.decisions.values():
            selector.logits.assign([LOGITS[label] for label in selector.labels])

    def held_loss(self, rows):
        assert set(rows) <= set(self.held_rows)
        distribution = self.supernet.distribution().values()
        return -sum(p * WORTHS[label] for options in distribution for label, p in options.items())

    def tune(self, epochs, deadline, generator):
        self.n_tunings += 1


@pytest.fixture(scope="module")
def selected():
    trainer = Trainer()
    return trainer, *perturbation.select(trainer, np.random.default_rng(0))


def test_the_option_that_is_missed_the_most_is_kept_however_probable(selected):
    trainer, labels, losses = selected
    assert labels == dict.fromkeys(trainer.supernet.decisions, "average_pooling_3")
    for name, options in losses.items():
        assert max(options, key=options.get) == labels[name]


def test_the_losses_are_those_of_the_other_options_in_proportion_to_their_probabilities(selected):
    trainer, _, losses = selected
    chances = {label: np.exp(logit) for label, logit in LOGITS.items()}

    def expected(labels):
        total = sum(chances[label] for label in labels)
        return sum(chances[label] * WORTHS[label] for label in labels) / total

    # When the last decision is visited, the worth of each of the others is that of its selected option.
    others = (len(trainer.supernet.decisions) - 1) * max(WORTHS.values())
    last = list(losses.values())[-1]
    assert last == pytest.approx({label: -others - expected(chances.keys() - {label}) for label in chances}, rel=1e-4)


def test_what_is_removed_stays_removed_and_the_weights_adapt_between_decisions(selected):
    trainer, labels, _ = selected
    for name, options in trainer.supernet.distribution().items():
        assert options == {label: float(label == labels[name]) for label in options}
    assert trainer.n_tunings == len(trainer.supernet.decisions) - 1


def test_after_the_deadline_options_are_the_most_probable_ones():
    trainer = Trainer()
    labels, losses = perturbation.select(trainer, np.random.default_rng(0), time.monotonic())
    assert labels == dict.fromkeys(trainer.supernet.decisions, "convolution_3") and losses == {}
    assert all(min(options.values()) > 0.1 for options in trainer.supernet.distribution().values())
