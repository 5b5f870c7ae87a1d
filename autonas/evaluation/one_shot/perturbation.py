"""Selection of options by perturbation of a supernet, instead of by their probabilities."""

import time

import numpy as np

#: Number of held rows on which an option is judged.
_N_ROWS = 500
#: Number of short trainings of the weights between the decisions, and their length in epochs.
_N_TUNINGS, _TUNING_EPOCHS = 6, 1


def select(trainer, generator, deadline=None):
    """Select the option of every decision whose removal increases the held loss of the supernet the most.

    Implements DARTS-PT (Wang et al. 2021): the decisions are visited in random order. Each option of a decision is
    removed in turn, while the other options share its probability. The option that is missed the most is kept, all
    others are removed, and the weights of the supernet adapt for a short time. At the deadline, the remaining decisions
    take their most probable options.

    The logits and the weights of the supernet change.

    Args:
        trainer: A `BilevelTrainer` that blends options.
        generator: A `numpy.random.Generator`.
        deadline: Value of `time.monotonic()`, or `None`. Defaults to `None`.

    Returns:
        The selected architecture, a dict from decision to label, and the losses: a dict from decision to a dict from
        label to the held loss without this option. It has no entry for decisions after the deadline.
    """
    supernet = trainer.supernet
    selected = {name: max(options, key=options.get) for name, options in supernet.distribution().items()}
    rows = trainer.held_rows
    rows = np.sort(generator.choice(rows, min(_N_ROWS, len(rows)), replace=False))
    names = generator.permutation(list(supernet.decisions)).tolist()
    decisions_per_tuning = -(-len(names) // _N_TUNINGS)
    losses = {}
    for number, name in enumerate(names, 1):
        without = {}
        for label in supernet.distribution()[name]:
            if deadline is not None and time.monotonic() >= deadline:
                return selected, losses
            with supernet.decisions[name].without([label]):
                without[label] = trainer.held_loss(rows)
        losses[name] = without
        selected[name] = max(without, key=without.get)
        supernet.decisions[name].remove(without.keys() - {selected[name]})
        if number % decisions_per_tuning == 0 and number < len(names):
            trainer.tune(_TUNING_EPOCHS, deadline, generator)
    return selected, losses
