"""A search begins from earlier searches on other data."""

import json
import shutil

import numpy as np
import pytest
from sklearn.datasets import load_iris

import autonas
from autonas.trials import reserved
from tests.helpers.budgets import QUIET

BUDGET = {**QUIET, "max_trials": 4, "epochs": 1, "refit": False}


def data(seed):
    x = np.random.default_rng(seed).normal(size=(40, 4))
    return x, x @ np.arange(4)


def model(**arguments):
    inputs = autonas.Input()
    outputs = autonas.RegressionHead(dropout=0.0)(autonas.DenseBlock()(inputs))
    return autonas.AutoModel(inputs, outputs, **BUDGET | arguments)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    return model(directory=tmp_path_factory.mktemp("warm_start") / "earlier").fit(*data(0))


def architectures(model):
    return [reserved.architecture(record["values"]) for record in model.records_ if record["stage"] == "search"]


def best(model):
    """Architectures of a search, the best first."""
    records = [record for record in model.records_ if record["stage"] == "search"]
    return [record["values"] for record in sorted(records, key=lambda record: record["score"])]


@pytest.mark.parametrize("strategy", ["bayesian", "evolution", "random", autonas.oracles.RandomOracle()])
def test_the_best_architectures_of_the_earlier_search_come_after_the_default(earlier, strategy):
    default, *warm = architectures(model(strategy=strategy, warm_start=earlier.directory_).fit(*data(1)))
    assert default == architectures(earlier)[0]
    better = [values for values in best(earlier)[:3] if values != default]
    assert warm[: len(better)] == better


def test_initial_points_of_the_user_take_precedence(earlier):
    oracle = autonas.oracles.RandomOracle(initial_points=[{"dense_block_1/depth": 3}])
    first, second, *_ = architectures(model(strategy=oracle, warm_start=earlier.directory_).fit(*data(1)))
    assert first["dense_block_1/depth"] == 3 and second not in best(earlier)


def test_a_search_goes_on_with_the_same_warm_start_only(earlier, tmp_path):
    first = model(warm_start=[earlier.directory_], directory=tmp_path / "run").fit(*data(1))
    longer = model(warm_start=[earlier.directory_], directory=tmp_path / "run", max_trials=5).fit(*data(1))
    assert len(architectures(longer)) == 5 and architectures(longer)[:4] == architectures(first)
    with pytest.raises(ValueError, match="warm_start was .*earlier' and is None"):
        model(directory=tmp_path / "run").fit(*data(1))
    model(directory=tmp_path / "other", seed=1).fit(*data(0))
    with pytest.raises(ValueError, match="warm_start was .*earlier' and is .*other'"):
        model(warm_start=tmp_path / "other", directory=tmp_path / "run").fit(*data(1))
    with pytest.raises(ValueError, match="warm_start was None and is .*earlier'"):
        model(warm_start=earlier.directory_, directory=tmp_path / "other", seed=1).fit(*data(0))


def test_a_search_reads_the_earlier_folders_only_at_its_beginning(earlier, tmp_path, monkeypatch):
    shutil.copytree(earlier.directory_, tmp_path / "earlier")
    monkeypatch.chdir(tmp_path)
    whole = model(directory="whole", warm_start="earlier", max_trials=5).fit(*data(1))
    begun = model(directory="run", warm_start="earlier").fit(*data(1))
    model(directory="earlier", max_trials=5).fit(*data(0))
    assert len(begun.reopen(*data(1)).get_models(2)) == 2
    shutil.rmtree("earlier")
    longer = model(directory="run", warm_start=tmp_path / "earlier", max_trials=5).fit(*data(1))
    assert architectures(longer) == architectures(whole)
    graph = {"inputs": longer.inputs, "outputs": longer.outputs}
    loaded = autonas.AutoModel.load("run/model").set_params(**graph).reopen(*data(1))
    np.testing.assert_array_equal(loaded.predict(data(1)[0]), longer.predict(data(1)[0]))


def test_a_search_begins_from_the_search_that_it_overwrites(earlier, tmp_path):
    shutil.copytree(earlier.directory_, tmp_path / "run")
    arguments = {"directory": tmp_path / "run", "warm_start": tmp_path / "run"}
    begun = model(overwrite=True, strategy="evolution", **arguments).fit(*data(1))
    longer = model(strategy="evolution", max_trials=5, **arguments).fit(*data(1))
    assert architectures(longer)[:4] == architectures(begun)
    better = [values for values in best(earlier)[:3] if values != architectures(earlier)[0]]
    assert architectures(longer)[1 : 1 + len(better)] == better


def test_a_search_of_an_earlier_version_reads_the_folders_again(earlier, tmp_path):
    shutil.copytree(earlier.directory_, tmp_path / "earlier")
    model(directory=tmp_path / "run", warm_start=tmp_path / "earlier").fit(*data(1))
    journal = tmp_path / "run" / "journal.jsonl"
    header, *lines = journal.read_text().splitlines(keepends=True)
    facts = {name: fact for name, fact in json.loads(header).items() if name not in ("n", "crc")}
    facts["warm_start"] = facts["warm_start"]["digests"]
    journal.write_text(json.dumps(facts) + "\n" + "".join(lines))
    again = model(directory=tmp_path / "run", warm_start=tmp_path / "earlier", max_trials=5).fit(*data(1))
    assert len(architectures(again)) == 5
    model(directory=tmp_path / "earlier", max_trials=5).fit(*data(0))
    with pytest.raises(ValueError, match=r"the search in '.*earlier' \(warm_start\) has changed since"):
        model(directory=tmp_path / "run", warm_start=tmp_path / "earlier", max_trials=6).fit(*data(1))
    with pytest.raises(ValueError, match="warm_start was given and is None"):
        model(directory=tmp_path / "run", max_trials=6).fit(*data(1))


@pytest.mark.parametrize("strategy", ["auto", "random"])
def test_short_trainings_are_warm_started_too(earlier, strategy):
    arguments = {"epochs": 4, "fidelity": "successive_halving", "strategy": strategy}
    short = model(warm_start=earlier.directory_, **arguments).fit(*data(1))
    common = {name for name in architectures(short)[0] if name in architectures(earlier)[0]}
    tried = [{name: values.get(name) for name in common} for values in architectures(short)]
    assert all({name: values.get(name) for name in common} in tried for values in best(earlier)[:3])


def test_a_search_of_another_space_is_refused_by_name(earlier):
    with pytest.raises(ValueError, match="`warm_start` must be folders of searches in the same space.*decisions that"):
        autonas.AutoModel(warm_start=earlier.directory_, search_space="layered", **BUDGET).fit(
            *load_iris(return_X_y=True)
        )


def test_a_narrowed_space_begins_from_the_architectures_that_lie_in_it():
    budget = BUDGET | {"strategy": "random"}
    earlier = autonas.AutoModel(**budget | {"max_trials": 9}).fit(*data(0))
    name = "structured_data_block_1/kind"
    kinds = [architecture[name] for architecture in architectures(earlier)]
    assert kinds.count("trees") == 4 and kinds.count("lasso") == 1

    def later(kind):
        narrowed = {"hyperparameters": {name: kind}, "warm_start": earlier.directory_}
        return autonas.AutoModel(**budget, **narrowed).fit(*data(1))

    first = next(values for values in best(earlier) if values.get(name) == "trees")
    assert architectures(later("trees"))[1] == reserved.architecture(first)
    with pytest.raises(ValueError, match="of whose 9 architectures 1 lie in this space.*or not with their values"):
        later("lasso")


def test_settings_of_the_training_do_not_make_spaces_alike(earlier):
    inputs = autonas.Input()
    outputs = autonas.RegressionHead(dropout=0.0)(autonas.DenseBlock(name="other")(inputs))
    with pytest.raises(ValueError, match="`warm_start` must be folders of searches in the same space.*'dense_block"):
        autonas.AutoModel(inputs, outputs, warm_start=earlier.directory_, **BUDGET).fit(*data(1))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "Is a directory"),
        (b"x\n", "Line 1 of 1 of the journal .* is damaged"),
        (b'{"event": "search", "version": 1, "seed": 0}\n', "which holds no search by `fit`"),
    ],
)
def test_a_journal_that_cannot_be_read_is_refused_by_the_argument(tmp_path, content, reason):
    journal = tmp_path / "earlier" / "journal.jsonl"
    journal.parent.mkdir()
    journal.mkdir() if content is None else journal.write_bytes(content)
    with pytest.raises(ValueError, match=f"`warm_start` must be the folder of a search .*earlier'.* {reason}"):
        model(warm_start=tmp_path / "earlier").fit(*data(1))
