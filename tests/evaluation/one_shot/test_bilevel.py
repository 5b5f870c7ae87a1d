"""Bilevel training: on a toy supernet whose optima are known, and on a small one of digits.

The toy has a weight w and the probability q of the second of two options. With targets (t, c) on the weights' rows and
(u, v) on the architecture's, its losses are
  L_train = ((w + q - t)^2 + (q - c)^2) / 2,   L_val = ((w + q - u)^2 + (q - v)^2) / 2,
so that the best weight is w = t - q, where L_val is ((t - u)^2 + (q - v)^2) / 2.
"""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.datasets import load_digits

from autonas import data
from autonas.backends import gradients
from autonas.data.dataset import ArrayDataset
from autonas.evaluation import loops
from autonas.evaluation.one_shot import bilevel
from autonas.evaluation.one_shot import costs as one_shot_costs
from autonas.search_space import graph, heads, inputs
from autonas.search_space.blocks import cell
from autonas.supernet import Supernet

T, C, U, V = 1.0, 0.3, 1.2, 0.6

make_trainer = bilevel.BilevelTrainer.from_settings


class Toy(keras.Model):
    """What `BilevelTrainer` needs of a supernet."""

    is_large = False

    class MixingMode:
        def __init__(self):
            self.auxiliary_skip = keras.Variable(1.0, trainable=False)
            self.temperature = keras.Variable(1.0, trainable=False)

    def __init__(self):
        super().__init__()
        self.weight = self.add_weight(shape=(), initializer="zeros")
        self.logits = self.add_weight(shape=(2,), initializer="zeros")
        self.spare = self.add_weight(shape=(), initializer="zeros")
        self.operation_variables, self.architecture_variables = [self.weight, self.spare], [self.logits]
        self.mixing_mode = self.MixingMode()
        self.compile(loss={"y": "mean_squared_error"})

    def call(self, inputs, training=None):
        q = ops.softmax(self.logits)[1]
        return {"y": inputs["x"] * ops.stack([self.weight + q, q])}


def toy_trainer(**options):
    """The trainer of a toy whose rows have targets of their own for the weight and for the architecture."""
    n = 64
    toy, targets = Toy(), np.zeros((n, 2), "float32")
    dataset = ArrayDataset({"x": np.ones((n, 2), "float32")}, {"y": targets}, np.arange(n), np.arange(0))
    options = {"warm_up": 0.0, "learning_rate": 0.5, "architecture_learning_rate": 0.03, "guard": None, **options}
    trainer = make_trainer(toy, dataset, 4, **options)
    targets[trainer.weight_rows] = (T, C)
    targets[trainer.architecture_rows] = (U, V)
    return trainer, toy


def trained_toy(epochs=60, schedule=50, cost=None, on_epoch=lambda *arguments: None, **options):
    """The weight and the probability at which training ends.

    `cost` holds those of the two options. The schedule is so many times as long as the training: usually so long that
    the learning rate hardly falls, and the optimum doesn't move.
    """
    trainer, toy = toy_trainer(**options)
    trainer.cost = None if cost is None else relative_cost(toy, cost)
    for epoch in range(epochs):
        trainer.train_epoch(epoch, schedule * epochs, None, np.random.default_rng(epoch))
        on_epoch(trainer, float(ops.convert_to_numpy(ops.softmax(toy.logits))[1]))
    weight, probabilities = ops.convert_to_numpy(toy.weight), ops.convert_to_numpy(ops.softmax(toy.logits))
    return float(weight), float(probabilities[1])


EXPECTED = {
    # The partial derivative of L_val vanishes.
    "DARTS, first order": ({"order": "first"}, V + U - T),
    # With a step of 0.5, d L_val(w - 0.5 dL_train/dw, q) / dq is (1 - 0.5)(t - u) + (q - v).
    "DARTS, second order": ({"order": "second"}, V + (1 - 0.5) * (U - T)),
    "DARTS, finite difference": ({"order": "finite_difference"}, V + (1 - 0.5) * (U - T)),
    # The training loss alone.
    "lambda = 0": ({"reward_weight": 0}, C),
    # The partial derivative of L_train + 2 L_val vanishes.
    "lambda = 2": ({"reward_weight": 2}, (C + 2 * (V + U - T)) / 3),
}


@pytest.mark.parametrize("case", EXPECTED)
def test_the_optimum_is_that_in_closed_form(case):
    options, expected = EXPECTED[case]
    weight, probability = trained_toy(**options)
    assert probability == pytest.approx(expected, abs=0.01)
    assert weight == pytest.approx(T - expected, abs=0.01)


def relative_cost(toy, costs):
    """The expected cost of options of the given costs, over that of both alike."""
    return lambda: ops.sum(ops.softmax(toy.logits) * np.array(costs, "float32")) / np.mean(costs)


def test_a_cost_moves_the_optimum_as_in_closed_form():
    # The partial derivative of L_val + mu E[cost] / E_0[cost] vanishes; E[cost] = 1 - q + 3 q, and E_0[cost] = 2.
    _, probability = trained_toy(cost_weights=[0.2], cost=(1.0, 3.0))
    assert probability == pytest.approx(V + U - T - 0.2 * (3 - 1) / 2, abs=0.01)


def test_a_sweep_passes_the_optimum_of_each_weight():
    found = []
    trained_toy(
        epochs=120, schedule=1, cost_weights=[0.0, 0.2, 0.4], cost=(1.0, 3.0),
        on_epoch=lambda trainer, probability: found.append((trainer.cost_weight, probability)),
    )  # fmt: skip
    # The weight is that of the epoch to come.
    assert [weight for weight, _ in found] == [*[0.0] * 39, *[0.2] * 40, *[0.4] * 41]
    assert [found[epoch][1] for epoch in (39, 79, 119)] == pytest.approx([0.8, 0.6, 0.4], abs=0.02)


def test_the_weights_of_a_sweep_share_the_schedule_however_fast_it_goes():
    trainer = make_trainer(supernet(), digits(), 32, cost="params", cost_weights=[0.0, 0.1, 0.3, 1.0])
    found = []
    for progress in (0.0, 0.24, 0.25, 0.49, 0.5, 0.75, 1.0):
        trainer.annealing.progress.assign(progress)
        found.append(trainer.cost_weight)
    assert found == [0.0, 0.0, 0.1, 0.1, 0.3, 1.0, 1.0]


def digits():
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8, 1).astype("float32")
    return ArrayDataset({"x_image": x}, {"head": y.astype("int32")}, np.arange(200), np.arange(200, 300))


def supernet(**arguments):
    keras.utils.set_random_seed(0)
    node = inputs.Input(name="x")
    operations = ["convolution_1", "convolution_3", "identity"]
    block = cell.CellBlock("nas_bench_201", n_stages=1, filters=8, n_nodes=3, operations=operations)
    drawn = graph.Graph(node, heads.ClassificationHead(dropout=0.0, name="head")(block(node)))
    statistics = {"mean": np.full(1, 5.0), "variance": np.full(1, 36.0), "has_missing": False}
    feature = data.Feature("image", {"image": data.Tensor((8, 8, 1), "float32")}, statistics)
    drawn.bind([feature], [heads.Target("multiclass", 10)])
    return Supernet.from_graph(drawn, **arguments)


def epoch(trainer, number=0, epochs=1, deadline=None):
    return trainer.train_epoch(number, epochs, deadline, np.random.default_rng(number))


def state(variables):
    return [ops.convert_to_numpy(variable) for variable in variables]


def test_the_parts_of_the_rows_are_disjoint_and_follow_from_the_seed():
    made = supernet()
    trainer = make_trainer(made, digits(), 32, seed=3, validation_share=0.25)
    assert len(trainer.architecture_rows) == 50
    assert sorted([*trainer.architecture_rows, *trainer.weight_rows]) == list(range(200))
    again, other = (make_trainer(made, digits(), 32, seed=seed, validation_share=0.25) for seed in (3, 4))
    assert (again.architecture_rows == trainer.architecture_rows).all()
    assert (other.architecture_rows != trainer.architecture_rows).any()
    assert len(make_trainer(made, digits(), 32, reward_weight=0).weight_rows) == 200


@pytest.mark.parametrize(
    ("options", "divisor"),
    [
        ({}, 1),
        ({"order": "second"}, 1),
        ({"relaxation": "partial"}, 2),
        ({"relaxation": "gumbel"}, 1),
        ({"relaxation": "dirichlet", "beta_decay": 1.0}, 1),
    ],
    ids=["first", "second", "partial", "gumbel", "dirichlet"],
)
def test_weights_and_logits_learn(options, divisor):
    made = supernet(partial_channels=divisor)
    trainer = make_trainer(made, digits(), 16, warm_up=0.0, learning_rate=0.2, **options)
    losses = [epoch(trainer, number, 10)[0] for number in range(10)]
    chance = np.log(10)
    assert losses[-1] < chance < losses[0]
    for logits in state(made.architecture_variables):
        assert np.ptp(logits) > 0.02


def test_only_weights_learn_in_the_warm_up():
    trainer, toy = toy_trainer(warm_up=0.5)
    epoch(trainer, 0, 2)
    assert not np.any(state([toy.logits])) and np.any(state([toy.weight]))
    epoch(trainer, 1, 2)
    assert np.any(state([toy.logits]))


def test_batch_normalisation_inside_of_options_has_no_scale_to_train():
    made = supernet()
    epoch(make_trainer(made, digits(), 32))
    inside = [
        ops.convert_to_numpy(layer.gamma)
        for mixing in made.layers
        if hasattr(mixing, "branches")
        for branch in filter(None, mixing.branches)
        for layer in branch.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    outside = [layer.gamma for layer in made.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(inside) == 6 and all((gamma == 1).all() for gamma in inside)
    assert all((ops.convert_to_numpy(gamma) != 1).any() for gamma in outside)


def test_an_epoch_stops_at_the_deadline():
    trainer, _ = toy_trainer()
    loss, finished = epoch(trainer, deadline=0.0)
    assert np.isfinite(loss) and not finished


def test_the_auxiliary_skip_fades():
    made = supernet()
    make_trainer(made, digits(), 32)
    x = {"x_image": digits().inputs["x_image"][:8]}

    def with_skip(value):
        made.mixing_mode.auxiliary_skip.assign(value)
        return ops.convert_to_numpy(made(x)["head"])

    assert np.abs(with_skip(1.0) - with_skip(0.0)).max() > 1e-4
    trainer, toy = toy_trainer()
    epoch(trainer, 3, 4)
    assert float(ops.convert_to_numpy(toy.mixing_mode.auxiliary_skip)) == pytest.approx(0.25, abs=0.25)


@pytest.mark.parametrize("cost", ["params", "flops", "latency_ms"])
def test_a_cost_is_1_where_all_options_are_alike(cost):
    trainer = make_trainer(supernet(), digits(), 32, cost=cost)
    assert float(ops.convert_to_numpy(trainer.cost())) == pytest.approx(1.0)


def test_the_expected_cost_is_told_in_its_own_units_and_the_temperature_where_paths_are_drawn():
    made = supernet()
    trainer = make_trainer(made, digits(), 32, relaxation="gumbel", cost="params")
    for selector in made.decisions.values():
        selector.logits.assign([100.0 * (label == "convolution_3") for label in selector.labels])
    alone = one_shot_costs.expected_cost(made, "params").of(dict.fromkeys(made.decisions, "convolution_3"))
    trainer._set_schedule(0.5)
    numbers = trainer.numbers()
    assert numbers == {"expected_cost": pytest.approx(alone), "temperature": pytest.approx(5.05)}
    assert make_trainer(supernet(), digits(), 32).numbers() == {}


def test_costs_draw_the_distribution_towards_what_is_cheap():
    made = supernet()
    trainer = make_trainer(made, digits(), 32, warm_up=0.0, cost="flops", cost_weights=[100.0])
    for number in range(3):
        epoch(trainer, number, 3)
    for options in made.distribution().values():
        assert options["convolution_3"] < options["convolution_1"] < options["identity"]


def test_beta_decay_adds_the_mean_of_log_sum_exp_in_proportion_to_the_progress():
    made, generator = supernet(), np.random.default_rng(0)
    trainer = make_trainer(made, digits(), 32, beta_decay=8.0, guard=None)
    logits = [generator.normal(size=variable.shape) for variable in made.architecture_variables]
    for variable, values in zip(made.architecture_variables, logits, strict=True):
        variable.assign(values)
    batch = loops.batch_of(digits(), np.arange(32))

    def objective(progress):
        trainer._set_schedule(progress)
        return float(ops.convert_to_numpy(trainer._objective(batch, batch)))

    mean = np.mean([np.log(np.exp(values).sum()) for values in logits])
    assert objective(0.25) - objective(0.0) == pytest.approx(8.0 * 0.25 * mean, rel=1e-3)
    assert trainer.numbers() == {"beta_decay": 0.0}


def test_beta_decay_keeps_the_options_together():
    def largest(**options):
        made = supernet()
        trainer = make_trainer(made, digits(), 32, warm_up=0.0, guard=None, **options)
        for number in range(5):
            epoch(trainer, number, 5)
        return np.mean([max(options.values()) for options in made.distribution().values()])

    assert 1 / 3 < largest(beta_decay=50.0) < largest() - 0.02


def test_drawn_weights_are_the_softmax_of_the_draws_and_their_gradients_those_in_closed_form():
    made, generator = supernet(), np.random.default_rng(0)
    make_trainer(made, digits(), 32, relaxation="dirichlet")
    layer = next(layer for layer in made.layers if hasattr(layer, "blend_weights"))
    logits = [generator.normal(size=3).astype("float32") for _ in made.decisions]
    draws, slopes = generator.normal(size=(2, 3 * len(logits))).astype("float32")
    direction = np.array([1.0, -2.0, 0.5], "float32")

    def along(values):
        with gradients.substituted(made.architecture_variables, values):
            made.draw_weights(draws, slopes)
            return ops.sum(direction * layer.blend_weights())

    value, found = gradients.value_and_gradient_at(along, [ops.convert_to_tensor(each) for each in logits])
    position = list(made.decisions.values()).index(layer.selector)
    weights = np.exp(draws[3 * position :][:3])
    weights /= weights.sum()
    # The logarithm of elu(a) + 1 is a below 0, and log(1 + a) above.
    of_scores = np.where(logits[position] > 0, 1 / (1 + logits[position]), 1.0)
    expected = of_scores * slopes[3 * position :][:3] * weights * (direction - direction @ weights)
    assert float(ops.convert_to_numpy(value)) == pytest.approx(direction @ weights, rel=1e-4)
    assert ops.convert_to_numpy(found[position]) == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert all(not np.any(ops.convert_to_numpy(each)) for index, each in enumerate(found) if index != position)


def test_the_distribution_of_drawn_weights_is_their_mean():
    made = supernet()
    trainer = make_trainer(made, digits(), 32, relaxation="dirichlet", cost="params")
    (name, selector), *_ = made.decisions.items()
    selector.logits.assign([3.0, 0.0, -1.0])
    concentrations = np.array([4.0, 1.0, np.exp(-1.0)])
    assert list(made.distribution()[name].values()) == pytest.approx(concentrations / concentrations.sum())
    # The expected cost is linear in the probabilities of the decision.
    costs = [trainer.expected_cost.of({**made.space.values, name: label}) for label in selector.labels]
    for other in made.decisions.values():
        if other is not selector:
            other.logits.assign([50.0 * (label == made.space.values[other.name]) - 1e4 * (label != made.space.values[
                other.name]) for label in other.labels])  # fmt: skip
    expected = concentrations @ costs / concentrations.sum()
    assert trainer.numbers()["expected_cost"] == pytest.approx(expected, rel=1e-3)


def test_a_held_loss_changes_no_variable_and_is_the_same_again():
    made = supernet()
    trainer = make_trainer(made, digits(), 32, relaxation="dirichlet")
    before = state(made.variables)
    losses = [trainer.held_loss(trainer.held_rows) for _ in range(2)]
    assert losses[0] == losses[1] > 0
    assert all((old == new).all() for old, new in zip(before, state(made.variables), strict=True))


def test_tuning_changes_the_weights_alone():
    made = supernet()
    trainer = make_trainer(made, digits(), 32)
    before = state(made.operation_variables)
    trainer.tune(1, None, np.random.default_rng(0))
    assert any((old != new).any() for old, new in zip(before, state(made.operation_variables), strict=True))
    assert not np.any(state(made.architecture_variables))


def test_a_drawn_path_follows_the_distribution():
    made = supernet()
    generator = np.random.default_rng(0)
    for logits in made.architecture_variables:
        logits.assign(generator.normal(size=logits.shape))
    n, counts = 3000, {name: np.zeros(3) for name in made.decisions}

    def drawn(uniform):
        made.draw(uniform)
        return [ops.convert_to_tensor(selector.index) for selector in made.decisions.values()]

    draw = gradients.compiled(drawn, made.variables)
    for _ in range(n):
        for name, index in zip(counts, draw(generator.random(9).astype("float32")), strict=True):
            counts[name][int(index)] += 1
    for name, options in made.distribution().items():
        # Four standard errors.
        p = np.array(list(options.values()))
        assert (np.abs(counts[name] / n - p) < 4 * np.sqrt(p * (1 - p) / n)).all()


def test_optima_are_those_in_closed_form_on_jax(passes_on):
    # One objective of one term through a step of training, and one of two terms: JAX compiles two functions for each.
    passes_on("jax", "optimum and (second or 2) or drawn")
