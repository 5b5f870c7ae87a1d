"""Description of a saved estimator: the JSON file with its class, arguments and learned attributes.

Keras isn't imported, so that the trials of a saved search are shown within a second.
"""

import os
from typing import Any, NamedTuple

import pandas

from autonas import storage
from autonas.estimators import source
from autonas.reporting.leaderboard import leaderboard
from autonas.trials import records

#: Name of the file in the folder of an estimator.
NAME = "estimator.json"

#: The learned attributes that are saved, and the shapes of their values; see `storage.check_shape`.
LEARNED = {
    "records_": [{str: object}],
    "objectives_": [[str, ("min", "max")]],
    "stop_reason_": (str, None),
    "best_score_": (float, None),
    "history_": [{str: (float, None)}],
    "directory_": str,
    "scorer_metrics_": [[str, str, [str]]],
    "one_shot_correlation_": (float, None),
    "search_": {str: object},
    "ensemble_": [[str, float]],
    "source_": source.SOURCE_SHAPE,
    "unsaved_arguments_": [str],
    "target_column_": (str, None),
}


def read(manifest: storage.Manifest) -> dict[str, Any]:
    """Return the content of a description.

    Raises:
        FileNotFoundError: If there is no description.
        ValueError: If it is damaged or of another version. The message names the file.
    """
    if not os.path.lexists(manifest.path):
        model = os.path.join(manifest.folder, "model")
        hint = f" The model of this search is in {model!r}." if os.path.lexists(os.path.join(model, NAME)) else ""
        raise FileNotFoundError(
            f"`path` must be a folder that `save` has written. Received: path={manifest.folder!r}.{hint}"
        )
    content = manifest.read()
    with storage.describing_damage(manifest.path):
        storage.check_shape(content, _shape(content["version"]), "content")
    return content


def _shape(version: int) -> dict[str, Any]:
    shape = {
        "version": int,
        "class": str,
        "arguments": {str: object},
        "learned": {str: object},
    }
    predictions = [{"name": str, "task": str, "classes": [str]}]
    if version == 1:
        return {**shape, "predictions?": predictions}
    return {**shape, "predictions": predictions, "id": str, "files": {str: object}}


class SavedSearch(NamedTuple):
    """The search of a saved estimator.

    Attributes:
        records: The trials and baselines.
        objectives_: Pairs of name and direction, as in the estimator.
    """

    records: list[records.TrialRecord]
    objectives_: list[tuple[str, str]]

    def leaderboard(self) -> pandas.DataFrame:
        """Return all trials, the best first, and the baselines, as the estimator does."""
        (objective, direction), *further = self.objectives_
        return leaderboard(self.records, objective, direction, further)


def read_search(path: str | os.PathLike[str]) -> SavedSearch:
    """Return the search of the estimator in a folder, without a look at the files of its network.

    Args:
        path: The folder.

    Raises:
        FileNotFoundError: If there is no saved estimator.
        ValueError: If the description is damaged or of another version. The message names the file.
    """
    manifest = storage.Manifest(path, NAME, ())
    learned = read(manifest)["learned"]
    names = ("records_", "objectives_")
    with storage.describing_damage(manifest.path):
        values = {name: learned[name] for name in names}
        storage.check_shape(values, {name: LEARNED[name] for name in names}, "learned")
        trials = [records.TrialRecord.from_json(record) for record in values["records_"]]
        return SavedSearch(trials, [tuple(pair) for pair in values["objectives_"]])
