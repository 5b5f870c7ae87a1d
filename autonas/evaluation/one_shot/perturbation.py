"""Selection of options by perturbation of a supernet, instead of by their probabilities."""

import time

import numpy as np

#: Rows in a batch, and number of batches on which an option is judged if there is time.
_BATCH_SIZE, _N_BATCHES = 100, 5
#: Share of the time until the deadline for the losses. The rest is for adapting the weights.
_LOSSES_SHARE = 0.7
#: Smallest number of seconds that is divided by.
_SHORTEST = 1e-6
#: Number of short trainings of the weights between the decisions, and their length in epochs.
_N_TUNINGS, _TUNING_EPOCHS = 6, 1


def select(trainer, generator, deadline=None):
    """Select the option of every decision whose removal increases the held loss of the supernet the most.

    Implements DARTS-PT (Wang et al. 2021): the decisions are visited in random order. Each option of a decision is
    removed in turn, while the other options share its probability. The option that is missed the most is kept, all
    others are removed, and the weights of the supernet adapt for a short time. A near deadline leaves fewer rows for
    the losses. At the deadline, the remaining decisions take their most probable options.

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
    left = np.inf if deadline is None else deadline - time.monotonic()
    if left <= 0:
        return selected, {}
    tuning_seconds = (1 - _LOSSES_SHARE) * left / _N_TUNINGS
    batches = _batches(trainer, generator, deadline)
    names = generator.permutation(list(supernet.decisions)).tolist()
    decisions_per_tuning = -(-len(names) // _N_TUNINGS)
    losses = {}
    for number, name in enumerate(names, 1):
        without = {}
        for label in supernet.distribution()[name]:
            if deadline is not None and time.monotonic() >= deadline:
                return selected, losses
            with supernet.decisions[name].without([label]):
                without[label] = float(np.mean([trainer.held_loss(rows) for rows in batches]))
        losses[name] = without
        selected[name] = max(without, key=without.get)
        supernet.decisions[name].remove(without.keys() - {selected[name]})
        if number % decisions_per_tuning == 0 and number < len(names):
            trainer.tune(_TUNING_EPOCHS, time.monotonic() + tuning_seconds, generator)
    return selected, losses


def _batches(trainer, generator, deadline):
    """Return a list of batches of held rows, as many as the losses of all options take until the deadline."""
    rows = generator.permutation(trainer.held_rows)
    size = min(_BATCH_SIZE, len(rows))
    n_batches = min(_N_BATCHES, len(rows) // size)
    batches = np.sort(rows[: n_batches * size].reshape(n_batches, size), axis=1)
    if deadline is None:
        return batches
    trainer.held_loss(batches[0])  # The first call traces the function.
    started = time.monotonic()
    trainer.held_loss(batches[0])
    seconds = max(_SHORTEST, time.monotonic() - started)
    n_options = sum(map(len, trainer.supernet.distribution().values()))
    n_affordable = _LOSSES_SHARE * (deadline - time.monotonic()) / (n_options * seconds)
    return batches[: max(1, int(min(n_affordable, n_batches)))]
