"""From what a person holds to arrays a model can eat, and back to labels."""

from autonas.data.encoders import (
    Encoder,
    ImageEncoder,
    SeriesEncoder,
    TableEncoder,
    TextEncoder,
    get_encoder,
)
from autonas.data.features import Feature, Tensor
from autonas.data.kinds import infer_kind, infer_task
from autonas.data.targets import TargetEncoder

__all__ = [
    "Encoder",
    "Feature",
    "ImageEncoder",
    "SeriesEncoder",
    "TableEncoder",
    "TargetEncoder",
    "Tensor",
    "TextEncoder",
    "get_encoder",
    "infer_kind",
    "infer_task",
]
