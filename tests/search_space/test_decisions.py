"""Decisions, read concretely: exactly the chosen branch is built."""

import keras
import keras_tuner
import pytest

from autonas.search_space import decisions


def values(**chosen):
    hp = keras_tuner.HyperParameters()
    hp.values.update(chosen)
    return hp


def model_of(decision, hp, width=4):
    tensor = keras.Input((width,))
    return keras.Model(tensor, decision(hp, tensor))


def layer_names(model):
    return [type(layer).__name__ for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


CANDIDATES = {
    "dense": lambda: keras.layers.Dense(3),
    "dropout": lambda: keras.layers.Dropout(0.5),
    "two": lambda: lambda inputs: keras.layers.ReLU()(keras.layers.Dense(4)(inputs)),
}


@pytest.mark.parametrize(
    ("label", "layers"), [("dense", ["Dense"]), ("dropout", ["Dropout"]), ("two", ["Dense", "ReLU"])]
)
def test_layer_choice_builds_only_the_chosen_candidate(label, layers):
    assert layer_names(model_of(decisions.LayerChoice("kind", CANDIDATES), values(kind=label))) == layers


def test_only_the_chosen_candidate_is_even_made():
    made = []
    candidates = {name: lambda name=name: made.append(name) or keras.layers.ReLU() for name in "abc"}
    model_of(decisions.LayerChoice("kind", candidates), values(kind="b"))
    assert made == ["b"]


def test_layer_choice_defaults_to_the_first_candidate_or_the_one_that_is_named():
    assert layer_names(model_of(decisions.LayerChoice("kind", CANDIDATES), values())) == ["Dense"]
    decision = decisions.LayerChoice("kind", CANDIDATES, default="dropout")
    assert layer_names(model_of(decision, values())) == ["Dropout"]


def test_hyperparameters_of_a_candidate_belong_to_its_label():
    hp = values(kind="dense")
    candidates = {"dense": lambda: keras.layers.Dense(hp.Int("units", 2, 8)), "skip": keras.layers.Identity}
    model_of(decisions.LayerChoice("kind", candidates), hp)
    units = next(each for each in hp.space if each.name == "kind_dense/units")
    assert [(condition.name, condition.values) for condition in units.conditions] == [("kind", ["dense"])]


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_repeat_builds_as_many_layers_as_its_depth(depth):
    decision = decisions.Repeat("depth", 0, 3, lambda index: keras.layers.Dense(index + 1))
    model = model_of(decision, values(depth=depth))
    assert layer_names(model) == ["Dense"] * depth
    assert model.output_shape == (None, depth or 4)


def test_repeat_defaults_to_the_smallest_depth_or_the_one_that_is_named():
    def layers(**options):
        return len(
            layer_names(model_of(decisions.Repeat("d", 1, 3, lambda _: keras.layers.ReLU(), **options), values()))
        )

    assert layers() == 1
    assert layers(default=2) == 2


def test_a_fixed_depth_is_no_decision():
    hp = values()
    model = model_of(decisions.Repeat("depth", 2, 2, lambda _: keras.layers.ReLU()), hp)
    assert layer_names(model) == ["ReLU", "ReLU"]
    assert hp.space == []


def test_hyperparameters_of_a_layer_are_active_if_the_depth_reaches_it():
    hp = values(depth=3)
    decision = decisions.Repeat("depth", 1, 3, lambda _: keras.layers.Dense(hp.Int("units", 2, 8)))
    model_of(decision, hp)
    conditions = {
        each.name: [(condition.name, condition.values) for condition in each.conditions] for each in hp.space[1:]
    }
    assert conditions == {
        "depth_0/units": [],
        "depth_1/units": [("depth", [2, 3])],
        "depth_2/units": [("depth", [3])],
    }


def test_input_choice_returns_one_tensor_or_several_in_their_order():
    tensors = [keras.Input((width,)) for width in (1, 2, 3)]
    assert decisions.InputChoice("from")(values(**{"from": "1"}), tensors) is tensors[1]
    chosen = decisions.InputChoice("from", n_chosen=2)(values(**{"from": "0+2"}), tensors)
    assert [each.shape[-1] for each in chosen] == [1, 3]
    assert decisions.InputChoice("from", 2).labels(3) == ["0+1", "0+2", "1+2"]


def test_decisions_nest():
    hp = values(depth=2, **{"depth_0/kind": "two", "depth_1/kind": "dropout"})
    decision = decisions.Repeat(
        "depth", 1, 2, lambda _: lambda inputs: decisions.LayerChoice("kind", CANDIDATES)(hp, inputs)
    )
    assert layer_names(model_of(decision, hp)) == ["Dense", "ReLU", "Dropout"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: decisions.LayerChoice("kind", {}),
            "`candidates` of LayerChoice 'kind' must hold at least one",
        ),
        (
            lambda: decisions.LayerChoice("kind", CANDIDATES, default="lstm"),
            r"`default` must be one of \['dense', 'dropout', 'two'\]. Received: default='lstm'",
        ),
        (
            lambda: decisions.Repeat("depth", 3, 2, None),
            "`min_depth` of Repeat 'depth' must lie between 0 and",
        ),
        (lambda: decisions.Repeat("depth", -1, 2, None), "Received: min_depth=-1, max_depth=2"),
        (
            lambda: decisions.Repeat("depth", 1, 2, None, default=3),
            r"`default` must lie in \[1, 2\]. Received: default=3",
        ),
        (
            lambda: decisions.LayerChoice("kind", {"a": keras.layers.Dense(8)}),
            "`candidates` of LayerChoice 'kind' must be functions without arguments .* Received: Dense for 'a'",
        ),
        (
            lambda: decisions.InputChoice("from", 4).labels(3),
            "must lie between 1 and the number of tensors, 3.* n_chosen=4",
        ),
    ],
)
def test_errors_name_the_argument_and_what_was_received(make, message):
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
