"""Conversion of users' data to arrays for a network, and of predictions to labels.

`autonas.data.streams` requires TensorFlow and therefore isn't imported here.
"""

from autonas.data.checks import (
    check_labels_in_training,
    check_same_rows,
    check_sample_weight,
    is_stream,
    naming,
    number_of_rows,
)
from autonas.data.encoders import (
    Encoder,
    ImageEncoder,
    SeriesEncoder,
    TableEncoder,
    TextEncoder,
    get_encoder,
)
from autonas.data.features import Feature, Tensor
from autonas.data.fingerprint import fingerprint
from autonas.data.input_names import part_names
from autonas.data.kinds import infer_kind, infer_task
from autonas.data.splits import train_validation_rows
from autonas.data.targets import TargetEncoder
from autonas.data.windows import last_window, make_windows

__all__ = [
    "Encoder",
    "Feature",
    "ImageEncoder",
    "SeriesEncoder",
    "TableEncoder",
    "TargetEncoder",
    "Tensor",
    "TextEncoder",
    "check_labels_in_training",
    "check_same_rows",
    "check_sample_weight",
    "fingerprint",
    "get_encoder",
    "infer_kind",
    "infer_task",
    "is_stream",
    "last_window",
    "make_windows",
    "naming",
    "number_of_rows",
    "part_names",
    "train_validation_rows",
]
