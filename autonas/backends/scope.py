"""Stateless scope that can be nested, unlike that of Keras."""

import keras


class NestedScope(keras.StatelessScope):
    """Stateless scope in which variables have other values, and that sees the values of the enclosing scope.

    Assignments inside the scope are collected and don't change the variables.

    Args:
        variables: List of Keras variables.
        values: List of the values inside the scope, tensors with the shapes of the variables.
    """

    def __init__(self, variables, values):
        super().__init__(list(zip(variables, values, strict=True)), collect_losses=True)
        #: The variables that were assigned inside the scope, by their `id`.
        self.assigned = {}

    def __enter__(self):
        super().__enter__()
        if self.original_scope is not None:
            self.state_mapping = {**self.original_scope.state_mapping, **self.state_mapping}
        return self

    def add_update(self, update):
        super().add_update(update)
        self.assigned[id(update[0])] = update[0]
