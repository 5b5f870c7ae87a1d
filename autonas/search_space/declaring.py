"""The declaring reading: one pass over a block graph that learns the whole space, its conditional parts included."""

import contextlib

import keras_tuner

from autonas.search_space import decisions


class DeclaringHyperParameters(keras_tuner.HyperParameters, decisions.Reading):
    """Hyperparameters that record themselves while every branch of every decision is visited once.

    Keras Tuner learns a conditional space by building variants of the model until nothing new turns up, with a number
    of builds that grows with the square of the number of conditions. Here an inactive hyperparameter returns its
    default instead of `None`, so that inactive branches can be built in the same pass. The result of a decision is
    that of its default branch.
    """

    def __init__(self):
        super().__init__()
        self._scopes = []

    @contextlib.contextmanager
    def name_scope(self, name):
        self._scopes.append(name)
        try:
            with super().name_scope(name):
                yield
        finally:
            self._scopes.pop()

    def _declare(self, method, name, *args, **kwargs):
        value = method(name, *args, **kwargs)
        full_name = "/".join([*self._scopes, name])
        declared = [hp for hp in self.space if hp.name == full_name]
        if len(declared) > 1:
            raise ValueError(
                f"Two hyperparameters are named {full_name!r}, under different conditions. Give each a name of its own."
            )
        return declared[0].default if value is None else value

    def Choice(self, name, values, *args, **kwargs):
        return self._declare(super().Choice, name, values, *args, **kwargs)

    def Int(self, name, *args, **kwargs):
        return self._declare(super().Int, name, *args, **kwargs)

    def Float(self, name, *args, **kwargs):
        return self._declare(super().Float, name, *args, **kwargs)

    def Boolean(self, name, *args, **kwargs):
        return self._declare(super().Boolean, name, *args, **kwargs)

    def Fixed(self, name, *args, **kwargs):
        return self._declare(super().Fixed, name, *args, **kwargs)

    def layer_choice(self, decision, inputs):
        chosen = self.Choice(decision.name, list(decision.candidates), default=decision.default)
        outputs = {}
        for label, make_layer in decision.candidates.items():
            with decision.scope(self, label):
                outputs[label] = make_layer()(inputs)
        return outputs[chosen]

    def input_choice(self, decision, inputs):
        return decision.pick(inputs, self.Choice(decision.name, decision.labels(len(inputs))))

    def repeat(self, decision, inputs):
        depth = decisions.declare_depth(self, decision)
        outputs = [inputs]
        for index in range(decision.max_depth):
            with decisions.layer_scope(self, decision, index):
                outputs.append(decision.make_layer(index)(outputs[-1]))
        return outputs[depth]

    def width_choice(self, decision):
        return decisions.Width(decision.widths[decisions.declare_width(self, decision)], lambda inputs: inputs)

    def declared(self):
        """The space as a plain `keras_tuner.HyperParameters` holding the default values."""
        return keras_tuner.HyperParameters.from_config(self.get_config())
