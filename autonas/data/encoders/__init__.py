"""Encoders of raw rows as tensors for a network, one class for each kind of data."""

from autonas.data.encoders.base import Encoder
from autonas.data.encoders.image import ImageEncoder
from autonas.data.encoders.series import SeriesEncoder
from autonas.data.encoders.table import TableEncoder
from autonas.data.encoders.text import TextEncoder

ENCODERS = {encoder.kind: encoder for encoder in (ImageEncoder, TableEncoder, TextEncoder, SeriesEncoder)}

__all__ = [
    "ENCODERS",
    "Encoder",
    "ImageEncoder",
    "SeriesEncoder",
    "TableEncoder",
    "TextEncoder",
    "get_encoder",
]


def get_encoder(kind, **options):
    """Return a new encoder for a kind of data.

    Args:
        kind: `"image"`, `"table"`, `"text"` or `"series"`.
        **options: Arguments of the constructor of the encoder.

    Raises:
        ValueError: If `kind` is unknown.
    """
    if kind not in ENCODERS:
        raise ValueError(f"`kind` must be one of {sorted(ENCODERS)}. Received: kind={kind!r}")
    return ENCODERS[kind](**options)
