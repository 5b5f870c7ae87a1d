"""A block of tables in a graph of its own, and tables for it."""

import numpy as np
import pandas as pd

import autonas

OPTIONS = {"max_trials": 1, "seed": 0, "tensorboard": False, "verbose": 0}


def drawn(block, head, **arguments):
    inputs = autonas.StructuredDataInput()
    return autonas.AutoModel(inputs, head(block(inputs)), **{**OPTIONS, **arguments})


def halves(data):
    x, y = data
    order = np.random.default_rng(0).permutation(len(x))
    return x[order[::2]], y[order[::2]], x[order[1::2]], y[order[1::2]]


def cities():
    """Return a table of categories and numbers, some missing, a target that depends on them, and the generator."""
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"city": generator.choice(list("abcdefgh"), 600), "size": generator.normal(size=600)})
    target = table["city"].isin(list("ceg")) ^ (table["size"] > 0)
    table.loc[generator.random(600) < 0.1, "size"] = np.nan
    target |= table["size"].isna()
    return table, target, generator


def sizes(targets):
    """Return a table of 300 rows, targets of a kind, and the head of the kind."""
    generator = np.random.default_rng(0)
    x = pd.DataFrame({"size": generator.normal(size=300), "city": generator.choice(list("abcd"), 300)})
    x.loc[::7, "size"] = np.nan
    size = x["size"].fillna(0).to_numpy()
    y, head = {
        "binary": (size > 0, autonas.ClassificationHead()),
        "multiclass": (np.digitize(size, [-0.5, 0.5]), autonas.ClassificationHead()),
        "unseen": (2 * np.digitize(size, [-0.5, 0.5]), autonas.ClassificationHead(num_classes=5)),
        "multilabel": (np.stack([size > 0, size > 1], 1).astype(int), autonas.ClassificationHead(multi_label=True)),
        "numbers": (np.stack([size, size**2], 1), autonas.RegressionHead()),
    }[targets]
    return x, y, head
