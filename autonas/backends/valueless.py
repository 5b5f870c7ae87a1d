"""Networks whose variables have no values, of which only the structure is read."""

import contextlib

import keras
from keras.src.backend.common import global_state

#: Where Keras keeps the variables that get their values at the end of the next `keras.StatelessScope`.
_AWAITING = "uninitialized_variables"


@contextlib.contextmanager
def building():
    """Return a context in which layers are built without values of their variables, in a fraction of the time.

    The layers must not be used after the context. Creating a variable from a given value, instead of an initializer,
    raises an error.
    """
    awaiting = list(global_state.get_global_attribute(_AWAITING, []))
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(_AWAITING, awaiting)
