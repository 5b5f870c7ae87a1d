"""Arguments of the searches of tests."""

#: A quiet search by a single split: folds, which small tables have by default, take several times as long.
QUIET = {"tensorboard": False, "verbose": 0, "seed": 0, "validation_folds": None}
