"""Conditions of a training: in which numbers a network computes, and on how many devices."""

import contextlib

from autonas.backends import parallel, precision


class Conditions:
    """What a network is built under.

    Args:
        policy: Name of a Keras dtype policy. Weights, and what heads return, are float32 in any case. Defaults to
            `"float32"`.
        n_devices: Number of devices, as in `parallel.distribution`. Defaults to 1.
    """

    def __init__(self, policy="float32", n_devices=1):
        self.policy = policy
        #: The `keras.distribution.DataParallel` of several devices, or `None`.
        self.distribution = parallel.distribution(n_devices)

    @contextlib.contextmanager
    def scope(self):
        """A context: networks that are built in it have these conditions."""
        distributed = contextlib.nullcontext() if self.distribution is None else self.distribution.scope()
        with precision.policy(self.policy), distributed:
            yield


#: Those of the networks that are measured and served.
PLAIN = Conditions()
