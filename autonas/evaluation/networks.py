"""Networks of candidates, built under the conditions of their trainings."""

import keras_tuner

from autonas.backends import precision as precisions
from autonas.evaluation import conditions as conditions_module
from autonas.evaluation import resolution
from autonas.trials import reserved

#: Side of images up to which convolutions take less time than the rest of a training step.
_SMALL_SIDE = 16


class Networks:
    """Builder of the networks of one search.

    Args:
        problem: The `Problem`.
        supernet: A `SupernetEvaluator` for inherited weights, or `None`.
        precision: Precision of the training of candidates, as in `Evaluator`.
        n_devices: Number of GPUs for the training of a candidate.
    """

    def __init__(self, problem, supernet, precision, n_devices):
        self.problem = problem
        self.supernet = supernet
        self.precision = precision
        self.n_devices = n_devices
        #: Dict from resolution to data set.
        self._resized = {}

    def __getstate__(self):
        """Return the state for other processes, without resized images."""
        return self.__dict__ | {"_resized": {}}

    def build(self, values, conditions=conditions_module.PLAIN):
        """Build the compiled model of an architecture under some `Conditions`."""
        hyperparameters = keras_tuner.HyperParameters.from_config(
            {"space": self.problem.space.get_config()["space"], "values": dict(values)}
        )
        with conditions.scope():
            return self.problem.graph.build(hyperparameters)

    def initial(self, job, conditions=conditions_module.PLAIN):
        """Build the model of a job with its initial weights."""
        model = self.build(job.values, conditions)
        if reserved.SUPERNET_EPOCHS in job.values:
            self.supernet.inherit(model, job.values)
        return model

    def plain(self, model, values):
        """Return a model in float32 on one device, with the same weights, for measuring and serving."""
        if model.dtype_policy.name == "float32" and self.n_devices == 1:
            return model
        converted = self.build(values)
        converted.set_weights(model.get_weights())
        return converted

    def conditions(self, job, n_devices):
        """Return the `Conditions` of a job. A continued training keeps its precision."""
        policy = self.precision if job.checkpoint is None else job.checkpoint.progress["precision"]
        features = self.problem.graph.features.values()
        convolves = any(
            min(feature.tensors["image"].shape[:2]) > _SMALL_SIDE for feature in features if feature.kind == "image"
        )
        return conditions_module.Conditions(precisions.resolve(policy, convolves), n_devices)

    def at_resolution(self, model, values, conditions):
        """Return the network and the data set at the resolution of a trial.

        The resolution is full if no network for smaller images has the same weights.
        """
        share = values.get(reserved.RESOLUTION, 1.0)
        if share == 1:
            return model, self.problem.dataset
        with conditions.scope():
            smaller = resolution.smaller(model, self.problem.graph.image_inputs, share)
        if smaller is None:
            return model, self.problem.dataset
        smaller.compile(
            type(model.optimizer).from_config(model.optimizer.get_config()),
            model.loss,
            loss_weights=model.get_compile_config()["loss_weights"],
            jit_compile=model.jit_compile,
        )
        if share not in self._resized:
            self._resized[share] = resolution.resized(self.problem.dataset, self.problem.graph.image_inputs, share)
        return smaller, self._resized[share]
