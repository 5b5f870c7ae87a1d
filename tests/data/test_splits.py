import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from autonas.data import train_validation_rows
from autonas.data.splits import in_validation, validation_folds


def test_every_row_is_in_one_part():
    y = load_digits().target
    training, validation = train_validation_rows(y, "multiclass", 0.2, generator=np.random.default_rng(0))
    assert sorted([*training, *validation]) == list(range(len(y)))
    assert len(validation) == round(0.2 * len(y))


def test_by_default_a_fifth_of_the_rows_are_validated_and_of_many_rows_ten_thousand():
    sizes = [len(train_validation_rows(np.arange(n) % 2, "binary")[1]) for n in (100, 50_000, 200_000)]
    assert sizes == [20, 10_000, 10_000]
    assert len(train_validation_rows(np.arange(200_000) % 2, "binary", 0.2)[1]) == 40_000


def test_classes_keep_their_shares_even_if_sorted():
    y = np.sort(load_iris().target)
    training, validation = train_validation_rows(y, "multiclass", 0.2)
    assert np.bincount(y[validation]).tolist() == [10, 10, 10]
    unequal = np.repeat(["a", "b"], [95, 5])
    _, validation = train_validation_rows(unequal, "binary", 0.2)
    assert (unequal[validation] == "b").sum() == 1


@pytest.mark.parametrize("y", [[0, 1] * 5, [0] * 9 + [1], [0, 1, 1], [0, 1, *[2] * 50], ["a", "a", "b"]])
@pytest.mark.parametrize("share", [0.01, 0.2, 0.9])
def test_every_class_is_in_training(y, share):
    y = np.array(y)
    training, validation = train_validation_rows(y, "multiclass", share)
    assert set(y[training]) == set(y)
    assert len(validation) >= 1


def test_same_seed_same_split():
    y = load_iris().target
    first, second = (
        train_validation_rows(y, "multiclass", 0.2, generator=np.random.default_rng(1))[1] for _ in range(2)
    )
    other = train_validation_rows(y, "multiclass", 0.2, generator=np.random.default_rng(2))[1]
    assert first.tolist() == second.tolist() != other.tolist()


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_groups_stay_together(task, share):
    generator = np.random.default_rng(0)
    y, groups = generator.integers(0, 3, 200), generator.integers(0, 20, 200).astype(str)
    training, validation = train_validation_rows(y, task, share, groups=groups, generator=generator)
    assert not set(groups[training]) & set(groups[validation])
    assert len(training) + len(validation) == 200
    assert abs(len(validation) / 200 - share) < 0.1
    assert set(y[training]) == {0, 1, 2}


def test_groups_that_cannot_be_split_are_refused():
    y = np.repeat([0, 1], 20)
    with pytest.raises(ValueError, match="every class in the training set"):
        train_validation_rows(y, "binary", 0.5, groups=y)
    with pytest.raises(ValueError, match="at least 2 groups"):
        train_validation_rows(y, "binary", 0.5, groups=np.zeros(40))
    with pytest.raises(ValueError, match="as many rows as `x`"):
        train_validation_rows(y, "binary", 0.5, groups=np.zeros(9))


def test_in_order_takes_the_last_rows():
    training, validation = train_validation_rows(np.arange(10.0), "regression", 0.2, in_order=True)
    assert training.tolist() == list(range(8)) and validation.tolist() == [8, 9]
    with pytest.raises(ValueError, match="must occur in training"):
        train_validation_rows([0] * 8 + [1] * 2, "binary", 0.2, in_order=True)


def test_rare_labels_of_multilabel_are_in_training():
    y = np.zeros((20, 2), dtype=int)
    y[3, 0] = 1
    for seed in range(5):
        training, _ = train_validation_rows(y, "multilabel", 0.8, generator=np.random.default_rng(seed))
        assert 3 in training


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.2, "a", True, np.nan])
def test_share_must_be_between_0_and_1(share):
    with pytest.raises(ValueError, match="`validation_split` must be a number between 0 and 1"):
        train_validation_rows([0, 1] * 5, "binary", share)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="at least 2 rows"):
        train_validation_rows([1], "regression", 0.2)
    with pytest.raises(ValueError, match="a class with at least 2 rows"):
        train_validation_rows(["a", "b"], "binary", 0.5)


def test_every_row_is_validated_in_one_fold():
    y = load_digits().target
    folds = validation_folds(y, "multiclass", 5, generator=np.random.default_rng(0))
    assert sorted(np.concatenate([validation for _, validation in folds])) == list(range(len(y)))
    for training, validation in folds:
        assert sorted([*training, *validation]) == list(range(len(y)))
        assert np.ptp(np.bincount(y[validation]) - np.bincount(y) / 5) < 2


@pytest.mark.parametrize("y", [[0, 1] * 5, [0] * 9 + [1], [0, 1, 1, 0], ["a", *"bbbbccc"]])
def test_every_class_is_in_the_training_set_of_every_fold(y):
    y = np.array(y)
    for training, _ in validation_folds(y, "multiclass", 3):
        assert set(y[training]) == set(y)


def test_folds_of_numbers_have_about_equal_sizes():
    folds = validation_folds(np.arange(23.0), "regression", 5)
    assert sorted(len(validation) for _, validation in folds) == [4, 4, 5, 5, 5]


def test_groups_stay_together_in_folds():
    generator = np.random.default_rng(0)
    y, groups = generator.integers(0, 3, 200), generator.integers(0, 20, 200).astype(str)
    folds = validation_folds(y, "multiclass", 4, groups, generator)
    assert len(folds) == 4
    for training, validation in folds:
        assert not set(groups[training]) & set(groups[validation])


def test_folds_that_cannot_be_made_are_refused():
    with pytest.raises(ValueError, match="`y` must have at least 5 rows"):
        validation_folds(np.array([0, 1, 1]), "binary", 5)
    with pytest.raises(ValueError, match="`groups` must have at least 5 groups"):
        validation_folds(np.arange(20.0), "regression", 5, np.repeat([0, 1], 10))
    of_one_class = np.repeat([0, 1], 10)
    with pytest.raises(ValueError, match="every class in each training set"):
        validation_folds(of_one_class, "binary", 2, of_one_class)
    assert validation_folds(of_one_class, "binary", 2, of_one_class, required=False) == []


def test_the_only_row_of_a_class_is_in_no_validation_set_of_a_fold():
    y = np.array(["a", "a", "b", "c", "c"])
    assert in_validation(y, "multiclass").tolist() == [True, True, False, True, True]
    assert in_validation(np.arange(3.0), "regression").all()
