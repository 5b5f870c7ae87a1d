"""Tables as people hold them: few rows, and many columns of dates, words and gaps, read again from a file later."""

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import autonas
from tests.helpers.budgets import QUIET

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {**QUIET, "max_trials": 2, "epochs": 5}


def flats(n_rows=120, n_columns=60):
    """Return a table whose rent depends on area and district, among columns of any type, and the rents."""
    random = np.random.default_rng(0)
    district = np.array(["harbour", "old town", "hill"])[random.integers(0, 3, n_rows)]
    area = random.uniform(20, 120, n_rows)
    table = pd.DataFrame(
        {
            "area": pd.array(area, dtype="Float64"),
            "district": pd.Categorical(district),
            "let on": pd.date_range("2024-03-30 22:00", periods=n_rows, freq="h", tz="Europe/Berlin"),
            "balcony": pd.array(random.integers(0, 2, n_rows) == 1, dtype="boolean"),
            "rooms": pd.array(random.integers(1, 6, n_rows), dtype="Int64"),
            "remark": [f"flat {number} with a {place} view" for number, place in enumerate(district)],
            "floor": [["ground", 1, None][number % 3] for number in range(n_rows)],
            "always": "yes",
            "never": None,
        }
    )
    for column in ("area", "district", "let on", "balcony", "rooms", "remark"):
        table.loc[random.random(n_rows) < 0.05, column] = None
    others = random.normal(size=(n_rows, n_columns - table.shape[1]))
    others[random.random(others.shape) < 0.3] = np.nan
    table = pd.concat([table, pd.DataFrame(others).add_prefix("sensor ")], axis=1)
    return table, 10 * area + 300 * (district == "old town")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    table, rents = flats()
    directory = tmp_path_factory.mktemp("run") / "run"
    return autonas.AutoModel(**BUDGET, directory=directory).fit(table[:90], rents[:90])


def test_a_wide_table_of_dirty_columns_is_searched_as_it_is(fitted):
    table, rents = flats()
    assert fitted.task_ == "regression" and fitted.n_features_in_ == 60
    assert fitted.score(table[90:], rents[90:]) > 0.7


@pytest.mark.parametrize(
    "later",
    [
        lambda table: pd.read_csv(io.StringIO(table.to_csv(index=False))),
        lambda table: table[table.columns[::-1]],
        lambda table: table.set_index(np.arange(1000, 1000 + len(table))),
        lambda table: table.convert_dtypes(),
        lambda table: table.assign(**{"let on": table["let on"].dt.tz_convert("UTC")}),
        lambda table: table.astype({"district": object, "rooms": object}),
    ],
    ids=["csv", "columns reversed", "another index", "nullable", "another time zone", "objects"],
)
def test_the_same_rows_in_another_form_have_the_same_predictions(fitted, later):
    table = flats()[0][90:]
    np.testing.assert_allclose(fitted.predict(later(table)), fitted.predict(table), rtol=1e-4)


def test_single_rows_and_districts_that_training_never_saw_are_predicted(fitted):
    table = flats()[0][90:]
    rows = np.concatenate([fitted.predict(table[number : number + 1]) for number in range(3)])
    np.testing.assert_allclose(rows, fitted.predict(table)[:3], rtol=1e-4)
    assert np.isfinite(fitted.predict(table.assign(district="island", remark=None, area=np.nan))).all()


def test_thirty_rows_are_enough_to_be_about_as_good_as_a_linear_model():
    x, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    model = autonas.AutoModel(**BUDGET).fit(x[order[:30]], y[order[:30]])
    assert model.score(x[order[30:]], y[order[30:]]) > 0.88
    board = model.leaderboard()
    assert board[board.stage == "search"].standard_error.notna().all()  # It says how little 30 rows can tell.
