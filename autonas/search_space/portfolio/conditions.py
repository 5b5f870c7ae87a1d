"""Conditions of a search on which its first architectures depend."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Conditions:
    """Conditions of a search on which its first architectures depend.

    Args:
        n_rows: Number of training rows. With few rows, a pretrained backbone comes early, otherwise last, and tables
            have a Gaussian process. Defaults to 0.
        mirror_accuracy: How often an image is distinguished from its mirror image, see `data.mirror.accuracy`.
            Defaults to `None`: unknown.
        most_responses: Number of responses of kernels to steps of series that can be computed within the time limit of
            the search. The sizes of frozen kernels depend on it. Defaults to infinity.
        most_flops: FLOPs of matrix products that can be computed within the time limit, on which the numbers of random
            patches of images depend. Defaults to infinity.
    """

    n_rows: int = 0
    mirror_accuracy: float | None = None
    most_responses: float = math.inf
    most_flops: float = math.inf
