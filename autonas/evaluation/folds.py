"""Training of one candidate on the folds of a cross-validation, which share its compiled steps."""

import statistics
import time

import numpy as np

from autonas.evaluation import fitting, loops
from autonas.search_space.fitted import fitters
from autonas.trials import checkpoint


class FoldNetworks:
    """The networks of all folds as one model.

    The weights of the model are the weights of the networks, one network after another.

    Args:
        model: The compiled `keras.Model` that has the weights of one network at a time.
        n_folds: Number of folds.
    """

    def __init__(self, model, n_folds):
        self.model = model
        self.optimizer = model.optimizer
        self.trainable_variables = model.trainable_variables
        #: Weights of each network, a list of lists of arrays.
        self.networks = [model.get_weights() for _ in range(n_folds)]

    def get_weights(self):
        """Return the weights of all networks, a list of arrays."""
        return [array for weights in self.networks for array in weights]

    def set_weights(self, weights):
        """Set the weights of all networks to a list of arrays."""
        length = len(weights) // len(self.networks)
        self.networks = [weights[start : start + length] for start in range(0, len(weights), length)]


class FoldsLoop(loops.TrainingLoop):
    """A training loop of one network per fold.

    An epoch is an epoch of every network on the training rows of its fold, so that all networks have the same number
    of epochs. Each network predicts the validation rows of its fold; together the predictions are of all rows, out of
    fold.

    Args:
        loop: The `TrainingLoop` of the candidate. Its model has the initial weights, which all networks begin with.
        is_required: Whether the first epoch, without which there is no score, is completed after a deadline, too.
            Defaults to `True`.
    """

    def __init__(self, loop, is_required=True):
        self.loop = loop
        self._is_required = is_required
        super().__init__(FoldNetworks(loop.model, len(loop.dataset.folds)), loop.dataset)
        self.phases, self.validation = loop.phases, loop.validation
        self._is_trained = bool(loop.model.trainable_variables)
        self._variables = checkpoint.optimizer_variables(loop.model) if self._is_trained else []
        #: State of the optimizer of each network.
        self._optimizers = [checkpoint.values_of(self._variables) for _ in self.model.networks]
        #: Whether the next epoch is the first one.
        self._is_first = True
        self._is_fitted = False

    @property
    def network(self):
        """The `keras.Model` that has the weights of one network at a time."""
        return self.loop.model

    def watch(self, callbacks):
        self.loop.watch(callbacks)

    def fit(self, generator, deadline=None):
        """Run the fitters of all networks; see `fitting.fit`.

        The choices of the fitters are the medians of the choices in the folds, and hold for all networks: if each
        network had its own, the scores would depend on choices by the rows that are scored.

        Args:
            generator: A `numpy.random.Generator`.
            deadline: Value of `time.monotonic()` at which to be done, or `None`. Defaults to `None`.

        Returns:
            List of the dicts of choices of each fitter, empty without a fitter.

        Raises:
            TooSlow: If the fit isn't required, and the inputs of a network take longer than its share of the time.
        """
        model, splits = self.loop.model, self.dataset.splits
        initial, chosen = model.get_weights(), []
        for number, split in enumerate(splits):
            model.set_weights(initial)
            own = _share(deadline, 1 / (2 * len(splits) - number))
            last = None if self._is_required else _share(deadline, 1 / (len(splits) - number))
            chosen.append(fitting.fit(model, split, split.train_rows, generator, own, last=last))
            self.model.networks[number] = model.get_weights()
        lasting = [
            [{name: value for name, value in choice.items() if name not in fitters.TIME_KEYS} for choice in choices]
            for choices in chosen
        ]
        common, rows_share = _common(lasting), 1.0
        self._is_fitted = bool(common)
        for number, split in enumerate(splits):
            if lasting[number] != common:
                model.set_weights(initial)
                own = _share(deadline, 1 / (len(splits) - number))
                rows_share = min(rows_share, fitting.refit(model, split, common, generator, own))
                self.model.networks[number] = model.get_weights()
        return [
            choice | _time_of([{"rows_share": rows_share}, *fits])
            for choice, fits in zip(common, zip(*chosen, strict=True), strict=True)
        ]

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        """Train every network for one epoch; see `TrainingLoop.train_epoch`.

        Networks that the deadline leaves no time for stay as they are, except in the first epoch.

        Args:
            rows: Not used: the folds have their own rows.
            batch_size: As in `TrainingLoop.train_epoch`.
            generator: As in `TrainingLoop.train_epoch`.
            learning_rate: As in `TrainingLoop.train_epoch`.
            deadline: As in `TrainingLoop.train_epoch`.

        Raises:
            TooSlow: If the first epoch isn't required, and its first networks show that the deadline can't be met.
        """
        model, losses, seconds = self.loop.model, [], []
        for number, split in enumerate(self.dataset.splits):
            started = time.monotonic()
            # Without weights that are trained, an epoch only computes the loss.
            if losses and deadline is not None and self._is_trained:
                if not self._is_first and started >= deadline:
                    return float(np.mean(losses)), False
                # The first network, whose steps are compiled, took longer than the others will.
                needed = (len(self.model.networks) - number) * min(seconds[1:], default=0.0)
                if self._is_first and not self._is_required and started + needed >= deadline:
                    left = max(0.0, deadline - started)
                    raise fitting.TooSlow(
                        "the first epoch of the networks of all folds would take "
                        f"{needed:.1f} s more, and {left:.1f} s are left"
                    )
            self._load(self.model.networks[number])
            checkpoint.assign(self._variables, self._optimizers[number])
            loss, finished = self.loop.train_epoch(split.train_rows, batch_size, generator, learning_rate, deadline)
            self.model.networks[number] = model.get_weights()
            self._optimizers[number] = checkpoint.values_of(self._variables)
            losses.append(loss)
            seconds.append(time.monotonic() - started)
        self._is_first = False
        return float(np.mean(losses)), finished

    def predict(self, rows):
        """Predict the validation rows of all folds, each by the network of the fold; see `TrainingLoop.predict`.

        Args:
            rows: Not used: the folds have their own rows.
        """
        outputs = [self.loop.predict(validation_rows) for _, validation_rows in self.networks()]
        return {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}

    def networks(self):
        """Yield the networks of the folds; see `TrainingLoop.networks`."""
        for weights, split in zip(self.model.networks, self.dataset.splits, strict=True):
            self._load(weights)
            yield self.loop.model, split.validation_rows

    def _load(self, weights):
        """Set the model to the weights of a network."""
        self.loop.model.set_weights(weights)
        if self._is_fitted:
            self.loop.forget()


def _share(deadline, share):
    """Return the deadline after a share of the time left, or `None` without a deadline."""
    now = time.monotonic()
    return None if deadline is None else now + share * (deadline - now)


def _time_of(fits):
    """Return what the fits of a fitter in the folds had time for at least; see `fitters.TIME_KEYS`."""
    shares = {name: min(fit.get(name, 1.0) for fit in fits) for name in ("rows_share", "time_share")}
    shares["time_share"] = min(shares.values())
    are_cut = [fit["is_cut"] for fit in fits if "is_cut" in fit]
    time_keys = {"is_cut": [any(flags) for flags in zip(*are_cut, strict=True)]} if are_cut else {}
    refit_shares = [fit["refit_share"] for fit in fits if "refit_share" in fit]
    time_keys |= {"refit_share": max(refit_shares)} if refit_shares else {}
    return time_keys | {name: share for name, share in shares.items() if share < 1.0}


def _common(choices):
    """Return the medians of the numbers in equal structures of lists and dicts."""
    first = choices[0]
    if isinstance(first, dict):
        return {name: _common([chosen[name] for chosen in choices]) for name in first}
    if isinstance(first, list):
        return [_common(items) for items in zip(*choices, strict=True)]
    return statistics.median_low(choices)
