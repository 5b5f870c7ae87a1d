"""Conditions of a training: the precision of a network, and the number of devices."""

import contextlib

from autonas.backends import parallel, precision


class Conditions:
    """Precision and devices under which a network is built.

    Args:
        policy: Name of a Keras dtype policy. Weights and outputs are float32 under any policy. Defaults to
            `"float32"`.
        n_devices: Number of devices, as in `backends.parallel.distribution`. Defaults to 1.
    """

    def __init__(self, policy="float32", n_devices=1):
        self.policy = policy
        #: The `keras.distribution.DataParallel` of several devices, or `None`.
        self.distribution = parallel.distribution(n_devices)

    @contextlib.contextmanager
    def scope(self):
        """Return a context in which networks are built under these conditions."""
        distributed = contextlib.nullcontext() if self.distribution is None else self.distribution.scope()
        with precision.policy(self.policy), distributed:
            yield


#: Conditions for networks that are measured and served: float32 on one device.
PLAIN = Conditions()
