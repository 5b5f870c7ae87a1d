"""Fingerprint of a data set, to check whether two runs use the same data."""

import hashlib

import numpy as np
import pandas as pd
from scipy import sparse

from autonas.data import masks

#: Maximum size of an array that is hashed completely.
_MAX_BYTES = 64 * 2**20
#: Number of objects that are hashed at a time.
_HASHED_ROWS = 1024
#: Number of rows of a larger array that are hashed.
_SAMPLED_ROWS = 4096


def fingerprint(data):
    """Return the fingerprint of data, which is equal for equal data in every process.

    The hash of an array above 64 MB includes only 4096 evenly spaced rows, among them the first and the last one, so a
    change in another row isn't detected.

    Args:
        data: Array, DataFrame, Series, sparse matrix, list of rows, or `None`.

    Returns:
        JSON-compatible dict with `rows` and `hash`, and for an array `shape` and `dtype`, for a DataFrame `columns` (a
        dict from name to dtype). `None` for `None`.
    """
    if data is None:
        return None
    if isinstance(data, pd.DataFrame):
        columns = {str(name): str(dtype) for name, dtype in zip(data.columns, data.dtypes, strict=True)}
        digest = hashlib.sha256(repr(list(columns.items())).encode())
        for position in range(data.shape[1]):
            _update(digest, data.iloc[:, position])
        return {"rows": len(data), "columns": columns, "hash": digest.hexdigest()[:16]}
    if isinstance(data, pd.Series):
        digest = hashlib.sha256()
        _update(digest, data)
        return {"rows": len(data), "dtype": str(data.dtype), "hash": digest.hexdigest()[:16]}
    if sparse.issparse(data):
        data = data.tocsr()
        digest = hashlib.sha256(repr(data.shape).encode())
        for array in (data.indptr, data.indices, data.data):
            _update(digest, array)
        return {"rows": data.shape[0], "shape": list(data.shape), "dtype": str(data.dtype),
                "hash": digest.hexdigest()[:16]}  # fmt: skip
    if isinstance(data, (list, tuple)) and any(isinstance(row, str) for row in data[:1]):
        data = np.array(data, dtype=object)  # An array of strings is as wide as the longest one.
    if isinstance(data, (list, tuple)) and len({np.shape(row) for row in data}) > 1:
        digest = hashlib.sha256()
        for row in data:
            _update(digest, np.asarray(masks.with_missing(row)))
        return {"rows": len(data), "dtype": "list of unequal rows", "hash": digest.hexdigest()[:16]}
    data = np.asarray(masks.with_missing(data))
    digest = hashlib.sha256(repr(data.shape).encode())
    _update(digest, data)
    return {"rows": len(data), "shape": list(data.shape), "dtype": str(data.dtype),
            "hash": digest.hexdigest()[:16]}  # fmt: skip


def _update(digest, values):
    """Add an array or a Series to a hash."""
    if len(values) and _size(values) > _MAX_BYTES:
        rows = np.unique(np.linspace(0, len(values) - 1, _SAMPLED_ROWS).astype(int))
        values = values.iloc[rows] if isinstance(values, pd.Series) else values[rows]
    if isinstance(values, pd.Series):
        if isinstance(values.dtype, np.dtype) and values.dtype != object:
            values = values.to_numpy()
        else:
            values = _hash_objects(values)
    if values.dtype.kind in "OUS":
        values = _hash_objects(pd.Series(values.reshape(-1), dtype=object))
    digest.update(str(values.dtype).encode())
    digest.update(np.ascontiguousarray(values).view("uint8").data if values.size else b"")


def _size(values):
    return values.memory_usage(index=False) if isinstance(values, pd.Series) else values.nbytes


def _hash_objects(series):
    try:
        return _hashes(series)
    except (TypeError, UnicodeEncodeError):  # Unhashable objects, such as dicts, and unpaired surrogates.
        return _hashes(series.map(repr))


def _hashes(series):
    """Return a hash of each value. Not all at once, since pandas makes an encoded copy of all strings."""
    starts = range(0, max(1, len(series)), _HASHED_ROWS)
    batches = [series.iloc[start : start + _HASHED_ROWS] for start in starts]
    return np.concatenate([pd.util.hash_pandas_object(batch, index=False).to_numpy() for batch in batches])
