"""Context of the trainings of candidates: settings of the search, networks, and trained candidates in memory."""

from autonas.evaluation import fastest_loop, keras_callbacks, networks, pace, phases
from autonas.evaluation import trained as trained_module
from autonas.trials import reserved


class TrainingContext:
    """Settings, networks and speed that the trainings of the candidates of one search have in common in a process.

    Args:
        problem: The `Problem`.
        epochs: Number of epochs of a full training.
        patience: Number of epochs without improvement after which a training stops, or `None`.
        seed: Seed of initial weights and batches.
        supernet: A `SupernetEvaluator` for the stages of a one-shot search and for inherited weights, or `None`. A
            supernet is trained in float32 on one device, for accurate ranks, and because gradients of exactly 0 mark
            unused weights. Defaults to `None`.
        precision: Precision of the training of candidates, one of `backends.precision.PRECISIONS`. `"auto"` depends on
            the devices of the process. Candidates are always measured and served in float32. Defaults to `"auto"`.
        n_devices: Number of GPUs for the training of a candidate. Defaults to 1.
        callbacks: Keras callbacks of the trainings of candidates and of final fits. Defaults to none.
    """

    def __init__(self, problem, epochs, patience, seed, supernet=None, precision="auto", n_devices=1, callbacks=()):
        self.problem = problem
        self.epochs = epochs
        self.patience = patience
        self.seed = seed
        self.supernet = supernet
        self.n_devices = n_devices
        self.callbacks = callbacks
        self.networks = networks.Networks(problem, supernet, precision, n_devices)
        self.in_memory = trained_module.TrainedCandidates(problem.goal)
        #: The `Phases` of the current or latest job.
        self.phases = phases.Phases()
        #: The `Pace` of the trainings of this process.
        self.pace = pace.Pace()

    def full_epochs(self, values):
        """Return the number of epochs of a full training of an architecture."""
        return self.problem.graph.optimization.epochs_of(values, self.epochs)

    def epochs_of(self, values):
        """Return the number of epochs after which the training of a trial ends."""
        epochs = self.full_epochs(values)
        return min(epochs, values.get(reserved.EPOCHS, epochs))

    def make_loop(self, model, dataset, conditions):
        """Return the training loop of a model under some `Conditions`."""
        by_batch = keras_callbacks.need_batches(self.callbacks)
        return fastest_loop.make_loop(model, dataset, conditions.distribution, by_batch)
