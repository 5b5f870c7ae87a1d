"""Sixty rows of each kind of data, with their encoders, and networks of a bound graph."""

import numpy as np
from sklearn import datasets

from autonas import data


def images():
    return data.ImageEncoder(), datasets.load_digits().images[:60]


def table():
    frame = datasets.load_iris(as_frame=True).data[:60].copy()
    frame.columns = ["a", "b", "c", "d"]
    frame.loc[::7, "a"] = np.nan
    frame["color"] = np.where(np.arange(60) % 3 == 0, "red", "blue")
    frame["note"] = [f"the {'good' if row % 2 else 'bad'} flower number {row}" for row in range(60)]
    return data.TableEncoder(), frame


def texts():
    return data.TextEncoder(), [f"a {'fine' if row % 2 else 'dull'} film of {row % 7} hours" for row in range(60)]


def series():
    x = datasets.load_digits().images[:60].astype("float32")
    x[::3, 5:] = np.nan
    return data.SeriesEncoder(), x


KINDS = {"image": images, "table": table, "text": texts, "series": series}


def build(searched, space, values):
    """Return the network of some values of a bound graph."""
    hyperparameters = space.copy()
    hyperparameters.values = dict(values)
    return searched.build(hyperparameters)
