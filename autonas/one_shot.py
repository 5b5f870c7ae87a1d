"""What a search with a supernet needs besides the usual parts: the supernet, and how long it is trained."""

import os

import numpy as np

from autonas.evaluation import supernet_evaluator

#: Candidates where neither their number nor a time limit is given: the default architecture and five finalists.
DEFAULT_TRIALS = 6
#: Updates of the weights of a supernet, and the bounds of the number of epochs that make them.
_UPDATES, _MIN_EPOCHS, _MAX_EPOCHS = 3000, 4, 200


def build_supernet(graph):
    """The supernet of a bound graph.

    Raises:
        ValueError: If the graph has no decision between options that can share weights.
    """
    supernet = graph.build_supernet()
    if not supernet.decisions:
        raise ValueError(
            "`weight_sharing`, or the given `strategy`, needs decisions between options that can share weights, and "
            "the graph has none. Name a `search_space`, or draw a graph with a block made of such decisions: "
            "autonas.CellBlock(), or your own with LayerChoice, InputChoice or Repeat."
        )
    return supernet


def default_epochs(prepared, supernet):
    """Epochs of a supernet for the training rows and the batch size of what `preparation` made."""
    batch_size = prepared.graph.optimization.batch_size_of(supernet.space.values)
    updates_per_epoch = max(1, prepared.dataset.n_train // batch_size)
    return int(np.clip(round(_UPDATES / updates_per_epoch), _MIN_EPOCHS, _MAX_EPOCHS))


def evaluator(prepared, oracle, directory, seed):
    """The `SupernetEvaluator` of an oracle, with a folder in that of the run."""
    return supernet_evaluator.SupernetEvaluator(
        prepared.graph,
        prepared.dataset,
        prepared.scorer,
        prepared.objective,
        prepared.graph.optimization.batch_size_of,
        oracle.supernet_training(),
        os.path.join(directory, "supernet"),
        seed,
    )
