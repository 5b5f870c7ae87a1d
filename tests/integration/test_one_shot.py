"""One-shot search through `AutoModel`: every strategy shares weights, and what counts is trained by itself."""

import contextlib
import functools
import io
import json
import os
import pathlib
import shutil
import time

import keras
import numpy as np
import pandas
import pytest
from scipy import stats
from sklearn.datasets import load_digits, load_iris
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

import autonas
import autonas.oracles
from autonas import exceptions, objectives
from autonas.data.fit_data import FitData
from autonas.estimators.plan import make_plan
from autonas.evaluation import evaluator
from autonas.evaluation.one_shot import supernet_evaluator
from autonas.search import one_shot
from tests.helpers.budgets import QUIET
from tests.helpers.leaderboards import board, trials

BUDGET = {**QUIET, "max_trials": 4, "epochs": 3, "refit": False}


LABELS = ["convolution", "pooling", "identity"]


class TinyBlock(autonas.Block):
    """27 architectures of three layers."""

    def build(self, hp, inputs):
        outputs = keras.layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
        for index in range(3):
            outputs = autonas.LayerChoice(
                f"layer_{index}",
                {
                    "convolution": lambda: keras.layers.Conv2D(4, 3, padding="same", activation="relu"),
                    "pooling": lambda: keras.layers.MaxPooling2D(3, strides=1, padding="same"),
                    "identity": lambda: keras.layers.Identity(),
                },
            )(hp, outputs)
        return keras.layers.Flatten()(outputs)


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x[:300].reshape(-1, 8, 8), y[:300]


def tiny(strategy=None, **arguments):
    """An estimator whose supernet is trained and scored in seconds."""
    node = autonas.ImageInput()
    head = autonas.ClassificationHead()(TinyBlock(name="tiny")(node))
    if strategy is None:
        strategy = autonas.oracles.WeightSharingOracle(epochs=3, queries=20)
    return autonas.AutoModel(node, head, strategy=strategy, **{**BUDGET, **arguments})


def candidates(model):
    return board(model).query("stage == 'search'").sort_values("trial_id")


def journal(directory):
    return (pathlib.Path(directory) / "journal.jsonl").read_text().splitlines(keepends=True)


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    """A search that nothing interrupted, its seconds as `seconds_`, and what it printed as `printed_`."""
    started, printed = time.monotonic(), io.StringIO()
    with contextlib.redirect_stdout(printed):
        model = tiny(directory=tmp_path_factory.mktemp("whole") / "run", tensorboard=True, verbose=1).fit(*digits)
    model.seconds_, model.printed_ = time.monotonic() - started, printed.getvalue()
    return model


# ---------------------------------------------------------------------- what it is


@pytest.mark.parametrize("strategy", ["auto", "bayesian", "local_search", "reinforcement"])
def test_every_strategy_shares_weights(strategy, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(autonas.oracles.WeightSharingOracle, "default_updates", 30)
    model = tiny(strategy, weight_sharing=True, directory=tmp_path / "run").fit(*digits)
    assert trials(model)["stage"].value_counts().to_dict() == {"search": 4, "supernet": 4, "one_shot": 1}
    assert (board(model)["status"] == "completed").all()
    assert -1.0 <= model.one_shot_correlation_ <= 1.0
    assert model.predict(digits[0][:3]).shape == (3,)


def test_a_gradient_oracle_trains_its_supernet_by_itself(digits, tmp_path):
    model = tiny(autonas.oracles.GradientOracle(epochs=3), directory=tmp_path / "run", tensorboard=True)
    model.fit(*digits)
    assert trials(model)["stage"].value_counts().to_dict() == {"search": 4, "supernet": 3, "one_shot": 1}
    assert not hasattr(model, "one_shot_correlation_")
    accumulator = EventAccumulator(str(tmp_path / "run" / "tensorboard" / "supernet"))
    accumulator.Reload()
    tags = ["loss", "val_loss", "entropy", *(f"alpha/tiny/layer_2/{label}" for label in LABELS)]
    assert {tag: len(accumulator.Tensors(tag)) for tag in tags} == dict.fromkeys(tags, 3)
    losses = [f"loss_without/tiny/layer_2/{label}" for label in LABELS]
    assert {tag: accumulator.Tensors(tag)[0].step for tag in losses} == dict.fromkeys(losses, 3)
    for chances in zip(*(accumulator.Tensors(tag) for tag in tags[3:]), strict=True):
        assert sum(chance.tensor_proto.float_val[0] for chance in chances) == pytest.approx(1.0)


def test_a_gradient_search_penalises_the_cost_of_a_combined_objective_and_of_the_only_one(digits, tmp_path):
    def searched(name, objective):
        oracle = autonas.oracles.GradientOracle(epochs=8, learning_rate=0.01, seed=0)
        arguments = {"objective": objective, "max_trials": 3, "epochs": 1, "directory": tmp_path / name}
        epochs = [trial for trial in tiny(oracle, **arguments).fit(*digits).records_ if trial["stage"] == "supernet"]
        return [trial["values"].get("tuner/cost_weight") for trial in epochs]

    weighted = objectives.WeightedSum({"val_accuracy": 1.0, "params": 0.1})
    powers = objectives.ProductOfPowers("val_accuracy", {"params": 450})
    sweep = [0.0, 0.0, 0.1, 0.1, 0.3, 0.3, 1.0, 1.0]
    assert searched("weighted", weighted) == searched("powers", powers) == sweep
    assert searched("params", "params") == [1.0] * 8


def test_the_decisions_that_are_not_searched_are_said_in_the_report_and_keep_their_defaults(whole, tmp_path):
    found = candidates(whole)
    unsearched = [name for name in found.columns if name.startswith(("optimization/", "classification_head_1/"))]
    assert unsearched and (found[unsearched].nunique(dropna=False) == 1).all()
    whole.report(tmp_path / "report.html")
    written = (tmp_path / "report.html").read_text()
    assert f"Shared weights: 3 of {3 + len(unsearched)} decisions are searched (layer 0, layer 1, layer 2)" in written
    assert f"the other {len(unsearched)} keep their defaults" in written


def test_the_default_architecture_is_the_first_candidate_and_the_finalists_are_those_of_the_best_one_shot_scores(whole):
    found = candidates(whole)
    names = [f"tiny/layer_{index}" for index in range(3)]
    assert found[names].iloc[0].tolist() == ["convolution"] * 3
    assert found["trial_id"].tolist() == ["0001", "0005", "0006", "0007"]
    events = [json.loads(line) for line in journal(whole.directory_)]
    (report,) = [event["report"] for event in events if "finalists" in event.get("report", {})]
    untrained = [values for values, _ in report["finalists"] if [values[name] for name in names] != ["convolution"] * 3]
    assert found[names].iloc[1:].to_numpy().tolist() == [[each[name] for name in names] for each in untrained[:3]]


def test_the_score_is_one_of_a_stand_alone_training(whole, digits):
    found = candidates(whole)
    assert whole.best_score_ == found["score"].min() == board(whole)["score"].iloc[0]
    stages = board(whole).query("stage not in ('search', 'baseline')")
    assert stages["score"].isna().all() and stages["rank"].isna().all()
    assert stages["val_loss"].notna().all() and stages.index.min() == len(found)


def test_the_rank_correlation_is_that_of_the_two_scores(whole):
    events = [json.loads(line) for line in journal(whole.directory_)]
    (report,) = [event["report"] for event in events if "finalists" in event.get("report", {})]
    found = candidates(whole)
    names = [f"tiny/layer_{index}" for index in range(3)]
    one_shot = {tuple(values[name] for name in names): score for values, score in report["finalists"]}
    keys = list(map(tuple, found[names].to_numpy()))
    pairs = [(one_shot[key], -score) for key, score in zip(keys, found["score"], strict=True) if key in one_shot]
    assert len(pairs) >= 3
    assert whole.one_shot_correlation_ == pytest.approx(stats.kendalltau(*zip(*pairs, strict=True)).statistic)


def test_it_survives_saving(whole, digits, tmp_path):
    whole.save(tmp_path / "model")
    loaded = autonas.AutoModel.load(tmp_path / "model")
    assert loaded.one_shot_correlation_ == whole.one_shot_correlation_
    np.testing.assert_array_equal(loaded.predict(digits[0]), whole.predict(digits[0]))


def test_finalists_that_inherit_begin_better_and_may_be_trained_for_few_epochs(digits, tmp_path):
    def histories(**arguments):
        strategy = autonas.oracles.WeightSharingOracle("random", epochs=15, queries=20, **arguments)
        model = tiny(strategy, directory=tmp_path / str(len(arguments))).fit(*digits)
        by_trial = {record["trial_id"]: record["history"] for record in model.records_}
        return [by_trial[trial_id] for trial_id in candidates(model)["trial_id"][1:]]

    new, inherited = histories(), histories(inherit=True, finalist_epochs=1)
    first_losses = [np.mean([history[0]["loss"] for history in several]) for several in (new, inherited)]
    assert first_losses[1] < 0.9 * first_losses[0]
    assert {len(history) for history in inherited} == {1}


def test_the_strategy_may_draw_the_paths(digits, tmp_path):
    strategy = autonas.oracles.WeightSharingOracle("reinforcement", epochs=2, queries=10, sampling="strategy")
    model = tiny(strategy, directory=tmp_path / "run").fit(*digits)
    events = [json.loads(line) for line in journal(tmp_path / "run")]
    told = [event["report"]["told"] for event in events if "told" in event.get("report", {})]
    assert len(told) == 2 and all(told)
    assert len(candidates(model)) == 4


# ---------------------------------------------------------------------- continuing


@pytest.mark.parametrize(
    "event, trial_id",
    [("created", "0000"), ("ended", "0000"), ("created", "0004"), ("ended", "0004"), ("created", "0006")],
)
def test_killed_at_any_stage_it_comes_to_the_same_end(event, trial_id, digits, whole, tmp_path):
    shutil.copytree(whole.directory_, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "model")
    lines = journal(tmp_path / "run")
    found = [json.loads(line) for line in lines]
    (last,) = [place for place, each in enumerate(found) if (each["event"], each.get("trial_id")) == (event, trial_id)]
    (tmp_path / "run" / "journal.jsonl").write_text("".join(lines[: last + 1]))
    # Of the states of the supernet only those are there that were written by then.
    n_epochs = sum(each["event"] == "ended" and "epoch" in each.get("report", {}) for each in found[: last + 1])
    for name in os.listdir(tmp_path / "run" / "supernet"):
        if int(name[-8:-4]) > n_epochs:
            os.remove(tmp_path / "run" / "supernet" / name)
    model = tiny(directory=tmp_path / "run").fit(*digits)
    pandas.testing.assert_frame_equal(board(model), board(whole), check_exact=True)
    assert model.one_shot_correlation_ == whole.one_shot_correlation_
    np.testing.assert_array_equal(model.predict_proba(digits[0]), whole.predict_proba(digits[0]))


def test_more_trials_train_more_finalists(digits, whole, tmp_path, monkeypatch):
    shutil.copytree(whole.directory_, tmp_path / "run")
    stages = []
    evaluate = evaluator.Evaluator.evaluate
    monkeypatch.setattr(
        evaluator.Evaluator,
        "evaluate",
        lambda self, job, *rest: stages.append(job.values.get("tuner/stage")) or evaluate(self, job, *rest),
    )
    model = tiny(directory=tmp_path / "run", max_trials=5).fit(*digits)
    assert stages == [None] and len(candidates(model)) == 5
    # A better finalist changes the ranks of the others.
    earlier, expected = (candidates(each).iloc[:4, 1:].reset_index(drop=True) for each in (model, whole))
    pandas.testing.assert_frame_equal(earlier, expected)


def test_another_training_of_the_supernet_is_another_search(digits, whole):
    strategy = autonas.oracles.WeightSharingOracle(epochs=3, queries=20, sampling="uniform")
    with pytest.raises(ValueError, match="supernet.sampling was 'fair' and is 'uniform'"):
        tiny(strategy, directory=whole.directory_).fit(*digits)


def test_overwriting_a_run_removes_its_supernet(digits, whole, tmp_path):
    shutil.copytree(whole.directory_, tmp_path / "run")
    model = tiny("random", max_trials=1, directory=tmp_path / "run", overwrite=True)
    model.fit(*digits)
    assert "supernet" not in os.listdir(tmp_path / "run")


def test_a_supernet_that_fails_ends_the_search_with_its_reason(digits, tmp_path, monkeypatch):
    train = supernet_evaluator.SupernetEvaluator._train

    def failing(self, epoch, deadline, strategy):
        if epoch == 1:
            raise MemoryError("4 GB")
        return train(self, epoch, deadline, strategy)

    with monkeypatch.context() as patched:
        patched.setattr(supernet_evaluator.SupernetEvaluator, "_train", failing)
        with pytest.raises(exceptions.SearchFailed, match="trial 0002 .stage 'supernet'. failed: out of memory: 4 GB"):
            tiny(directory=tmp_path / "run").fit(*digits)
    model = tiny(directory=tmp_path / "run").fit(*digits)
    assert trials(model)["stage"].value_counts().to_dict() == {"search": 4, "supernet": 4, "one_shot": 1}


def test_an_interrupted_supernet_leaves_the_default_architecture_and_goes_on(digits, whole, tmp_path, monkeypatch):
    train = supernet_evaluator.SupernetEvaluator._train

    def interrupted(self, epoch, deadline, strategy):
        if epoch == 1:
            raise KeyboardInterrupt
        return train(self, epoch, deadline, strategy)

    with monkeypatch.context() as patched:
        patched.setattr(supernet_evaluator.SupernetEvaluator, "_train", interrupted)
        model = tiny(directory=tmp_path / "run").fit(*digits)
    assert model.stop_reason_ == "interrupted" and candidates(model)["trial_id"].tolist() == ["0001"]
    assert model.one_shot_correlation_ is None and model.predict(digits[0][:3]).shape == (3,)
    pandas.testing.assert_frame_equal(board(tiny(directory=tmp_path / "run").fit(*digits)), board(whole))


# ---------------------------------------------------------------------- budget, reports, refusals


@pytest.mark.parametrize(
    "oracle",
    [
        autonas.oracles.WeightSharingOracle(epochs=1, queries=60),
        autonas.oracles.GradientOracle(epochs=1, selection="probability"),
        autonas.oracles.SuccessiveHalvingOracle(autonas.oracles.WeightSharingOracle(epochs=1, queries=60)),
    ],
    ids=["weight sharing", "gradient", "successive halving"],
)
def test_a_network_is_trained_once_however_many_identities_describe_it(oracle, digits, tmp_path):
    class Deep(autonas.Block):
        """One to three layers, each of which may be none."""

        def build(self, hp, inputs):
            kinds = {
                "identity": keras.layers.Identity,
                "convolution": lambda: keras.layers.Conv2D(1, 3, padding="same", activation="relu"),
            }
            layer = autonas.Repeat(
                "depth", 1, 3, lambda index: functools.partial(autonas.LayerChoice("kind", kinds), hp)
            )
            return keras.layers.Flatten()(layer(hp, keras.layers.MaxPooling2D()(inputs)))

    node = autonas.ImageInput()
    head = autonas.ClassificationHead()(Deep(name="deep")(node))
    arguments = BUDGET | {"max_trials": 10, "epochs": 1, "directory": tmp_path / "run"}
    model = autonas.AutoModel(node, head, strategy=oracle, **arguments).fit(*digits)
    n_convolutions = [
        sum(values.get(f"deep/depth_{number}/kind") == "convolution" for number in range(values["deep/depth"]))
        for values in (record["values"] for record in model.records_ if record["stage"] == "search")
        if "tuner/trial_id" not in values
    ]
    # Fourteen architectures.
    assert sorted(n_convolutions) == [0, 1, 2, 3] and model.stop_reason_ == "space_exhausted"


def test_limits_that_no_architecture_satisfies_end_the_search_by_the_constraints(digits, tmp_path):
    strategy = autonas.oracles.WeightSharingOracle(epochs=1, queries=20)
    with pytest.warns(exceptions.InfeasibleWarning):
        model = tiny(strategy, constraints={"params": 10}, directory=tmp_path / "run", epochs=1).fit(*digits)
    assert model.stop_reason_ == "constraints" and set(candidates(model)["status"]) == {"refused"}


def test_a_time_limit_leaves_time_for_finalists(digits, whole, tmp_path, monkeypatch):
    # As long as this machine needs: most of a short search is tracing, and half of the limit is kept for finalists.
    time_limit = 3 * whole.seconds_
    started = time.monotonic()
    endless = autonas.oracles.WeightSharingOracle(epochs=10**6, queries=10**6)
    model = tiny(endless, max_trials=None, epochs=10, time_limit=time_limit, directory=tmp_path / "run", refit=True)
    model.fit(*digits)
    assert time.monotonic() - started < 1.2 * time_limit
    counts = model.leaderboard()["stage"].value_counts()
    assert counts["supernet"] >= 1 and counts["one_shot"] == 1 and counts["search"] >= 2
    assert model.stop_reason_ == "time_limit"
    # A slower machine can read the search, which builds a supernet and traces nothing.
    monkeypatch.setattr(autonas.oracles.WeightSharingOracle, "traces_per_build", 10**6)
    assert len(model.reopen(*digits).get_models(2)) == 2


def test_there_is_a_model_even_if_the_supernet_takes_all_of_the_time(digits, whole, tmp_path):
    class SlowEpoch(autonas.SearchCallback):
        """Takes the rest of the time limit at the end of each epoch of the supernet."""

        def on_epoch_end(self, record, epoch, metrics):
            if not record.is_candidate:
                time.sleep(max(0.0, started + time_limit - time.monotonic()))

    time_limit = 2 * whole.seconds_
    started = time.monotonic()
    with pytest.warns(UserWarning, match="ended the search before an architecture that the shared weights chose"):
        model = tiny(time_limit=time_limit, callbacks=[SlowEpoch()], directory=tmp_path / "run").fit(*digits)
    assert model.stop_reason_ == "time_limit" and len(candidates(model)) == 1
    assert model.predict(digits[0][:3]).shape == (3,)


def test_tensorboard_shows_the_supernet_as_one_run(whole):
    directory = pathlib.Path(whole.directory_) / "tensorboard"
    folders = sorted(os.listdir(directory))
    assert folders == ["search", "search_levels", "supernet", "trial_0001", "trial_0005", "trial_0006", "trial_0007"]

    def tags(run):
        accumulator = EventAccumulator(str(directory / run))
        accumulator.Reload()
        return {tag: [event.step for event in accumulator.Tensors(tag)] for tag in accumulator.Tags()["tensors"]}

    of_supernet, of_search = tags("supernet"), tags("search")
    assert len(of_supernet["loss"]) == len(of_supernet["val_loss"]) == 3
    assert of_search["rank_correlation"][-1] == 7 and of_search["best_score"] == [1, 5, 6, 7]
    assert whole.one_shot_correlation_ is not None


def test_progress_has_a_line_for_each_epoch_of_the_supernet(whole):
    searched = "Shared weights: 3 of 8 decisions are searched (layer 0, layer 1, layer 2); the other 5"
    lines = whole.printed_.splitlines()
    # Lines about TensorBoard come first.
    (first,) = [place for place, line in enumerate(lines) if line.startswith(searched)]
    assert [line.split("  ")[0] for line in lines[first + 1 :]] == [
        "constant", "linear", "supernet epoch 1", "trial 1", "supernet epoch 2", "supernet epoch 3", "one-shot",
        "trial 5", "trial 6", "trial 7", "search ended: max_trials",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"weight_sharing": "yes"}, "`weight_sharing` must be True or False. Received: weight_sharing='yes'"),
        ({"weight_sharing": True, "strategy": "gradient"}, "`weight_sharing` must be False with a strategy that"),
        ({"weight_sharing": True, "max_trials": 1}, "`max_trials` must be at least 2 with a supernet"),
        ({"strategy": autonas.oracles.WeightSharingOracle(queries=0)}, "`queries` must be an integer of at least 1"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(arguments, message, digits, tmp_path):
    model = autonas.ImageClassifier(**{**BUDGET, **arguments}, directory=tmp_path / "run")
    with pytest.raises(ValueError, match=message):
        model.fit(*digits)
    assert not (tmp_path / "run").exists()


def test_a_graph_without_decisions_to_share_is_refused(tmp_path):
    node = autonas.StructuredDataInput()
    # Depth and widths change shapes, so no option can stand in for another.
    block = autonas.DenseBlock(units=autonas.Choice([8, 16]), depth=1)
    model = autonas.AutoModel(
        node, autonas.ClassificationHead()(block(node)), weight_sharing=True, directory=tmp_path / "run", **BUDGET
    )
    with pytest.raises(ValueError, match="needs decisions between options that can share weights, and the graph has"):
        model.fit(*load_iris(return_X_y=True))
    assert not (tmp_path / "run").exists()


def test_a_time_limit_that_tracing_would_exceed_is_refused(digits, tmp_path):
    model = tiny(time_limit=0.5, directory=tmp_path / "run")
    with pytest.raises(ValueError, match="`time_limit` must be .* seconds. Building and tracing the super"):
        model.fit(*digits)
    assert not (tmp_path / "run").exists()


def test_a_stream_is_refused(digits, tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    stream = tensorflow.data.Dataset.from_tensor_slices(digits).batch(32)
    model = autonas.ImageClassifier(weight_sharing=True, directory=tmp_path / "run", **BUDGET)
    with pytest.raises(ValueError, match="`x` must be arrays for a strategy that trains a supernet"):
        model.fit(stream)
    assert not (tmp_path / "run").exists()


def texts():
    words = np.array(["zero", "one", "two", "three"])
    return [" ".join(words[np.roll(range(4), shift)]) for shift in range(40)], np.arange(40) % 2


@pytest.mark.parametrize(
    "cls, data",
    [(autonas.StructuredDataClassifier, lambda: load_iris(return_X_y=True)), (autonas.TextClassifier, texts)],
)
def test_the_default_graph_has_decisions_to_share(cls, data):
    model, given = cls(weight_sharing=True), FitData(*data())
    prepared = model._prepare(make_plan(model, given), given)
    supernet, _ = one_shot.build_supernet(prepared.graph, 0, autonas.oracles.WeightSharingOracle())
    assert len(supernet.decisions) > 5 and all("/kind_layered/" in name for name in list(supernet.decisions)[1:])
