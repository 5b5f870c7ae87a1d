"""Bilevel training of a supernet: alternating updates of the weights and of the distribution over architectures."""

import dataclasses
import time

import keras
import numpy as np
from keras import ops

from autonas.backends import gradients, node_graph
from autonas.evaluation import loops
from autonas.evaluation.one_shot import annealing, architecture_gradient, bilevel_settings, costs
from autonas.optimizers import fused_sgd
from autonas.search_space import schedules
from autonas.supernet import dirichlet
from autonas.supernet import supernet as supernet_module

#: Hyperparameters of DARTS (Liu et al. 2019): momentum, weight decay and maximum gradient norm of the weights, and
#: weight decay of the logits.
_MOMENTUM, _WEIGHT_DECAY, _CLIP_NORM, _LOGIT_DECAY = 0.9, 3e-4, 5.0, 1e-3
#: Temperature of the Gumbel softmax in the first and in the last step (Dong and Yang 2019).
_TEMPERATURES = (10.0, 0.1)
#: Decay rates of Adam for the logits, as in DARTS.
_BETA_1, _BETA_2 = 0.5, 0.999
#: Learning rate of `tune`, relative to the initial learning rate.
_TUNING_RATE = 0.1
#: Rounding error of the progress, which is a sum of many small numbers.
_ROUNDING = 1e-4
#: Classes of the grouped settings by the arguments of the trainer.
_GROUPS = {
    "mixing": bilevel_settings.Mixing,
    "objective": bilevel_settings.ArchitectureObjective,
    "schedule": bilevel_settings.Schedule,
}


class BilevelTrainer:
    """Alternating training of the weights w and the logits a of a supernet, on disjoint sets of training rows.

    Let R_val = -L_val be the reward on the rows of the architecture. In each step,
      a <- a - eta_a grad_a [L_train(w, a) - lambda R_val(w, a)],
      w <- w - eta_w grad_w L_train(w, a),
    by Adam(0.5, 0.999) and by SGD with momentum. If `reward_weight` is `None`, a minimises -R_val alone, as in DARTS
    (Liu et al. 2019). If `reward_weight` is 0, a minimises L_train alone, and all rows train the weights. A cost adds
    the term
      mu E_a[cost] / E_0[cost]
    to the objective, where E_0 is the mean under the uniform distribution. If `cost_weights` has several mu, the
    training uses them in turn for equal shares of the schedule, without restarting w and a. Beta-decay adds the term
      beta t mean over the decisions of log(sum(exp(a)))
    at the share t of the schedule, whose gradient is beta t softmax(a): no option runs away early (Ye et al. 2022).

    As in DARTS, batch normalisation inside of options has no trainable scale and offset, because a scale can compensate
    for a small probability.

    Args:
        supernet: A compiled `Supernet`, built with `partial_channels` for PC-DARTS (Xu et al. 2020). The edge
            normalisation of PC-DARTS is the softmax over the options of an `InputChoice`.
        dataset: An `ArrayDataset`.
        batch_size: Number of rows per step, for weights and for logits.
        mixing: The `Mixing`.
        objective: The `ArchitectureObjective`.
        schedule: The `Schedule`.
        seed: Seed of the split of the training rows. Defaults to 0.
        validation_share: Share of the training rows on which the logits are trained. Defaults to 0.5.

    Attributes:
        variables: List of the variables, besides the variables of the supernet, that are needed to continue a training.
    """

    def __init__(self, supernet, dataset, batch_size, *, mixing, objective, schedule, seed=0, validation_share=0.5):
        self.supernet = supernet
        self.dataset = dataset
        self.objective = objective
        self.schedule = schedule
        self.warm_up = schedule.warm_up / len(objective.cost_weights)
        self.samples_paths = mixing.samples_paths
        self.draws_weights = mixing.draws_weights
        supernet.mode = "sample" if self.samples_paths else "blend"
        supernet.mixing_mode.draws_weights = mixing.draws_weights
        supernet.mixing_mode.has_auxiliary_skip = mixing.guard == "auxiliary_skip" and not self.samples_paths
        rows = np.random.default_rng([seed, 0]).permutation(dataset.train_rows)
        n_held = 0 if objective.reward_weight == 0 else round(validation_share * len(rows))
        #: Indices of the rows on which the logits are trained.
        self.architecture_rows = np.sort(rows[:n_held])
        #: Indices of the rows on which the weights are trained.
        self.weight_rows = np.sort(rows[n_held:])
        self.batch_size = min(batch_size, *map(len, self._row_sets()))
        self._weight = keras.Variable(0.0, dtype="float32", trainable=False, name="cost_weight")
        self._beta = keras.Variable(0.0, dtype="float32", trainable=False, name="beta_decay")
        #: Functions without arguments that return E_a[cost], and E_a[cost] / E_0[cost].
        self.expected_cost = self.cost = None
        if objective.cost is not None:
            self.expected_cost = costs.expected_cost(supernet, objective.cost)
            self.cost = _relative(self.expected_cost)
        fixed = {id(variable) for variable in _scales_of_branches(supernet)}
        self.weights = [variable for variable in supernet.operation_variables if id(variable) not in fixed]
        self.logits = supernet.architecture_variables
        self._statistics = {
            id(variable)
            for layer in node_graph.all_layers(supernet)
            if isinstance(layer, keras.layers.BatchNormalization)
            for variable in layer.non_trainable_variables
        }
        self.weight_optimizer = fused_sgd.FusedSGD(schedule.learning_rate, _MOMENTUM, _WEIGHT_DECAY, _CLIP_NORM)
        self.logit_optimizer = keras.optimizers.Adam(
            schedule.architecture_learning_rate, beta_1=_BETA_1, beta_2=_BETA_2
        )
        self.weight_optimizer.build(self.weights)
        self.logit_optimizer.build(self.logits)
        self.annealing = annealing.Annealing()
        optimizers = [*self.weight_optimizer.variables, *self.logit_optimizer.variables]
        self.variables = [*optimizers, self.annealing.progress]
        self._update_architecture = gradients.compiled(
            self._architecture_step,
            [*supernet.variables, *optimizers, self._weight, self._beta],
            simplified=not supernet.is_large,
        )
        self._update_weights = gradients.compiled(
            self._weight_step, [*supernet.variables, *optimizers], simplified=not supernet.is_large
        )
        self._hold = gradients.compiled(self._held_loss, supernet.variables, simplified=not supernet.is_large)

    @classmethod
    def from_settings(cls, supernet, dataset, batch_size, **settings):
        """Return the trainer whose settings are the entries of a flat dict, as in the header of a run.

        Args:
            supernet: As in the constructor.
            dataset: As in the constructor.
            batch_size: As in the constructor.
            **settings: `seed`, `validation_share`, and the fields of `Mixing`, `ArchitectureObjective` and `Schedule`.
        """
        groups = {}
        for name, group in _GROUPS.items():
            fields = {field.name for field in dataclasses.fields(group)} & settings.keys()
            groups[name] = group(**{field: settings.pop(field) for field in fields})
        return cls(supernet, dataset, batch_size, **settings, **groups)

    @property
    def cost_weight(self):
        """Weight mu of the cost in the next epoch; after the last epoch, the last weight."""
        weights = self.objective.cost_weights
        phase = int(len(weights) * float(ops.convert_to_numpy(self.annealing.progress)) + _ROUNDING)
        return weights[min(phase, len(weights) - 1)]

    def numbers(self):
        """Return numbers to log after an epoch.

        Returns:
            Dict of floats: `"temperature"` of the Gumbel softmax, the weight `"beta_decay"`, and `"expected_cost"` in
            the unit of the cost, where they apply.
        """
        numbers = {"temperature": self.supernet.mixing_mode.temperature} if self.samples_paths else {}
        if self.objective.beta_decay:
            numbers["beta_decay"] = self._beta
        if self.expected_cost is not None:
            numbers["expected_cost"] = self.expected_cost()
        return {name: float(ops.convert_to_numpy(number)) for name, number in numbers.items()}

    def train_epoch(self, epoch, epochs, deadline, generator, strategy=None):
        """Train for one epoch of the rows of the weights, or until the deadline.

        Args:
            epoch: Number of the epoch, from 0.
            epochs: Number of epochs of the schedule.
            deadline: Value of `time.monotonic()` at which to stop, or `None`.
            generator: A `numpy.random.Generator`.
            strategy: Not used; architectures are sampled from the distribution of the supernet.

        Returns:
            The mean training loss, and whether the epoch was completed.
        """
        batches = loops.shuffled_batches(self.weight_rows, self.batch_size, generator)
        held = self._held_batches(len(batches), generator)
        self.annealing.begin(epoch, epochs, deadline)
        self._weight.assign(self.cost_weight)
        losses = []
        for step, rows in enumerate(batches):
            if deadline is not None and step and time.monotonic() >= deadline:
                break
            progress = self.annealing.at(step / len(batches))
            self._set_schedule(progress)
            batch = loops.batch_of(self.dataset, rows)
            if self.schedule.architecture_learning_rate and progress >= self.warm_up:
                self._update_architecture(batch, loops.batch_of(self.dataset, held[step]), self._random(generator))
            losses.append(float(ops.convert_to_numpy(self._update_weights(batch, self._random(generator)))))
        self.annealing.end()
        return float(np.mean(losses)), len(losses) == len(batches)

    # ------------------------------------------------------------------ after the training

    @property
    def held_rows(self):
        """Indices of the rows on which the logits are trained: the rows of the weights if the logits have none."""
        return self._row_sets()[-1]

    def held_loss(self, rows):
        """Return the loss of the supernet on `rows` with the statistics of these rows, a float.

        Drawn weights have their mean. No variable changes.
        """
        return float(ops.convert_to_numpy(self._hold(loops.batch_of(self.dataset, rows), self._means())))

    def tune(self, epochs, deadline, generator):
        """Train the weights alone for some epochs, or until the deadline, at a tenth of the initial learning rate.

        Args:
            epochs: Number of epochs.
            deadline: As in `train_epoch`.
            generator: As in `train_epoch`.
        """
        self.weight_optimizer.learning_rate = _TUNING_RATE * self.schedule.learning_rate
        for _ in range(epochs):
            for rows in loops.shuffled_batches(self.weight_rows, self.batch_size, generator):
                if deadline is not None and time.monotonic() >= deadline:
                    return
                self._update_weights(loops.batch_of(self.dataset, rows), self._means())

    # ------------------------------------------------------------------ data

    def _row_sets(self):
        return [rows for rows in (self.weight_rows, self.architecture_rows) if len(rows)]

    def _held_batches(self, n_batches, generator):
        """Return `n_batches` shuffled batches of the rows of the logits, or of the weights if the logits have none."""
        rows = self.held_rows
        n_passes = -(-n_batches * self.batch_size // len(rows))
        shuffled = np.concatenate([generator.permutation(rows) for _ in range(n_passes)])
        return shuffled[: n_batches * self.batch_size].reshape(n_batches, self.batch_size)

    def _random(self, generator):
        """Return the random arrays that a step draws the path or the mixing weights from, a list."""
        if self.draws_weights:
            return dirichlet.log_gammas(self._scores(), generator)
        n_labels = sum(logits.shape[0] for logits in self.logits)
        return [generator.random(n_labels).astype("float32")] if self.samples_paths else []

    def _means(self):
        """Return the arrays of `_random`, with the means in place of the draws."""
        return [self._scores(), np.zeros_like(self._scores())] if self.draws_weights else []

    def _scores(self):
        scores = [ops.convert_to_numpy(selector.scores()) for selector in self.supernet.decisions.values()]
        return np.concatenate(scores)

    # ------------------------------------------------------------------ steps

    def _set_schedule(self, progress):
        """Set learning rate, auxiliary skip, temperature and beta-decay at a share of the schedule."""
        self.weight_optimizer.learning_rate = self.schedule.learning_rate * schedules.cosine(progress, warm_up=0.0)
        mixing_mode = self.supernet.mixing_mode
        mixing_mode.auxiliary_skip.assign(1.0 - progress)
        first, last = _TEMPERATURES
        mixing_mode.temperature.assign(first + progress * (last - first))
        self._beta.assign(progress * self.objective.beta_decay)

    def _architecture_step(self, batch, held, random):
        if self.samples_paths:
            self.supernet.draw(*random)
            # Branches that are switched at run time assign to variables, and tensors can't substitute assigned
            # variables.
            _, slopes = gradients.value_and_gradient(lambda: self._objective(batch, held), self.logits)
        else:
            _, slopes = architecture_gradient.ORDERS[self.objective.order](
                self._at(lambda: self._objective(batch, held), random),
                self._at(lambda: self._loss(batch), random),
                [variable.value for variable in self.weights],
                [variable.value for variable in self.logits],
                ops.cast(self.weight_optimizer.learning_rate, "float32"),
            )
        decayed = [slope + _LOGIT_DECAY * logits for slope, logits in zip(slopes, self.logits, strict=True)]
        self.logit_optimizer.apply(decayed, self.logits)

    def _weight_step(self, batch, random):
        if self.samples_paths:
            self.supernet.draw(*random)
        elif self.draws_weights:
            self.supernet.draw_weights(*random)
        loss, slopes = gradients.value_and_gradient(lambda: self._loss_without_statistics(batch), self.weights)
        self.weight_optimizer.apply(slopes, self.weights)
        return loss

    def _held_loss(self, batch, means):
        with gradients.substituted([], []):
            if self.draws_weights:
                self.supernet.draw_weights(*means)
            return self._loss(batch)

    def _objective(self, batch, held):
        """Return the objective that the logits minimise."""
        terms, reward_weight = [], self.objective.reward_weight
        if reward_weight is not None:
            terms.append(self._loss(batch))
        if reward_weight is None or reward_weight > 0:
            terms.append((1.0 if reward_weight is None else reward_weight) * self._loss(held))
        if self.cost is not None:
            terms.append(self._weight * self.cost())
        if self.objective.beta_decay:
            decisions = self.supernet.decisions.values()
            sums = [ops.logsumexp(selector.logits + selector.mask()) for selector in decisions]
            terms.append(self._beta * sum(sums) / len(sums))
        return sum(terms)

    def _loss(self, batch):
        inputs, targets, weights = batch
        predictions = self.supernet(inputs, training=True)
        return self.supernet.compute_loss(inputs, targets, predictions, weights or None, training=True)

    def _loss_without_statistics(self, batch):
        """Return `_loss` without new moving statistics, which fit no architecture: see `scoring.OneShotScorer`."""
        with gradients.substituted([], []) as scope:
            loss = self._loss(batch)
            assigned = [(variable, variable.value) for variable in scope.assigned.values()]
        for variable, value in assigned:
            if id(variable) not in self._statistics:
                variable.assign(value)
        return loss

    def _at(self, function, random):
        """Return a function `(weights, logits)` that calls `function` with these values of the variables."""

        def at(weights, logits):
            with gradients.substituted([*self.weights, *self.logits], [*weights, *logits]):
                if self.draws_weights:
                    self.supernet.draw_weights(*random)
                return function()

        return at


def _scales_of_branches(supernet):
    """Iterate over scales and offsets of batch normalisation inside of options."""
    for mixing_layer in supernet_module.mixing_layers(supernet):
        for branch in getattr(mixing_layer, "branches", ()):
            for layer in [] if branch is None else node_graph.all_layers(branch):
                if isinstance(layer, keras.layers.BatchNormalization):
                    yield from layer.trainable_variables


def _relative(expected_cost):
    """Return a function that divides the expected cost by its current value."""
    scale = 1.0 / float(ops.convert_to_numpy(expected_cost()))
    return lambda: scale * expected_cost()
