"""A stateless scope that sees the values of the scope around it, which Keras's own does not."""

import keras


class NestedScope(keras.StatelessScope):
    """Variables have other values inside; what is assigned inside is collected and changes nothing outside.

    Args:
        variables: List of Keras variables.
        values: List of their values inside, tensors of their shapes.
    """

    def __init__(self, variables, values):
        super().__init__(list(zip(variables, values, strict=True)), collect_losses=True)
        #: Dict from the id of each variable that was assigned to the variable.
        self.assigned = {}

    def __enter__(self):
        super().__enter__()
        if self.original_scope is not None:
            self.state_mapping = {**self.original_scope.state_mapping, **self.state_mapping}
        return self

    def add_update(self, update):
        super().add_update(update)
        self.assigned[id(update[0])] = update[0]
