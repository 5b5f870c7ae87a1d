"""Columns of pandas's Arrow types are read as those of numpy are."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from autonas.data import TableEncoder
from autonas.data.encoders import columns

pyarrow = pytest.importorskip("pyarrow")

DAYS = [datetime.date(2020, 1, 31), None, datetime.date(2021, 5, 5)]


def arrow(values, arrow_type):
    return pd.Series(values * 10, dtype=pd.ArrowDtype(arrow_type), name="a")


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (arrow([1, None, 3], pyarrow.int64()), "number"),
        (arrow([True, None, False], pyarrow.bool_()), "number"),
        (arrow([decimal.Decimal("1.5"), None], pyarrow.decimal128(10, 2)), "number"),
        (arrow([datetime.timedelta(hours=1), None], pyarrow.duration("s")), "number"),
        (arrow([datetime.time(9, 30), None, datetime.time(23, 5)], pyarrow.time64("us")), "number"),
        (arrow(DAYS, pyarrow.date32()), "date"),
        (arrow(DAYS, pyarrow.timestamp("us")), "date"),
        (arrow(["09/22/1986", None], pyarrow.string()), "date"),
        (arrow(["a", "b", None], pyarrow.string()), "category"),
        (arrow([None], pyarrow.null()), None),
    ],
)
def test_columns_of_arrow(column, kind):
    assert columns.infer_column(column) == kind
    if kind is not None:
        table = pd.DataFrame({"a": column, "b": range(len(column))})
        tensors = TableEncoder().fit(table).transform(table)
        plain = table.astype({"a": object})
        for name, array in TableEncoder().fit(plain).transform(plain).items():
            np.testing.assert_array_equal(tensors[name], array)


@pytest.mark.parametrize(
    "column",
    [arrow([[1], [2, 3]], pyarrow.list_(pyarrow.int64())), arrow([{"a": 1}], pyarrow.struct([("a", pyarrow.int64())]))],
)
def test_lists_of_arrow_are_refused(column):
    with pytest.raises(ValueError, match="Column 'a' of `x` must hold one value in each cell"):
        TableEncoder().fit(column.to_frame())
