"""Forecasts after a minute of search, compared with simple methods on the same windows.

    python benchmarks/forecasts.py DATA_DIRECTORY --budget 60 --seeds 0 1 2

The rivals are the seasonal naive forecast, exponential smoothing (the variant of Holt-Winters with the smallest AICc)
and a ridge regression on two seasons of lags. All forecasts begin at every step of the test part and know all steps
before. Errors are the root mean squared errors over all steps of the horizon, divided by the error of the seasonal
naive forecast, means over the columns. `--share 0.5` keeps the last half of the training part, and `--noise 4` adds
columns of noise to the inputs. Every measurement runs in a process of its own on one core.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402

#: Season and horizon of each series.
SETS = {
    "airline_passengers": (12, 12),
    "daily_min_temperatures": (365, 7),
    "sunspots": (132, 12),
    "us_gasoline": (52, 13),
    "gas_furnace": (1, 6),
    "etth1": (24, 24),
}


def load(name, data_directory, share):
    """Return the values `(time, columns)` from the first used step on, and the number of training steps."""
    import pandas

    frame = pandas.read_csv(os.path.join(data_directory, name, "series.csv.gz"))
    values = frame.select_dtypes("number").to_numpy("float64")
    n_train = int((frame["split"] == "train").sum())
    first = int((1 - share) * n_train)
    return values[first:], n_train - first


def with_noise(values, n_columns, seed):
    """Return the values with further columns of noise, half of them random walks."""
    import numpy as np

    noise = np.random.default_rng([seed, 99]).normal(size=(len(values), n_columns))
    noise[:, ::2] = noise[:, ::2].cumsum(axis=0)
    return np.concatenate([values, noise], axis=1)


def origins(values, n_train, horizon):
    """Return the first forecast steps, and the truth `(n, horizon, columns)` from each of them."""
    import numpy as np

    first_steps = np.arange(n_train, len(values) - horizon + 1)
    return first_steps, values[first_steps[:, None] + np.arange(horizon)]


def seasonal_naive(values, season, horizon, first_steps):
    """Return the forecasts `(n, horizon, columns)` that repeat the last season."""
    import numpy as np

    steps = np.arange(horizon)
    return values[first_steps[:, None] + steps - (steps // season + 1) * season]


def search(name, data_directory, budget, seed, share, noise):
    """Measure autonas; return a dict."""
    import numpy as np

    import autonas

    season, horizon = SETS[name]
    values, n_train = load(name, data_directory, share)
    n_columns = values.shape[1]
    values = with_noise(values, noise, seed)
    model = autonas.TimeSeriesForecaster(
        horizon=horizon,
        target=list(range(n_columns)),
        time_limit=budget,
        seed=seed,
        verbose=0,
        tensorboard=False,
    )
    before, started = common.cpu_seconds(), time.monotonic()
    model.fit(values[:n_train])
    seconds = {"cpu": common.cpu_seconds() - before, "seconds": time.monotonic() - started}
    first_steps, truth = origins(values[:, :n_columns], n_train, horizon)
    windows = np.stack([values[step - model.lookback_ : step] for step in first_steps])
    naive = _error(seasonal_naive(values[:, :n_columns], season, horizon, first_steps), truth)
    error = _error(model.predict(windows).reshape(truth.shape), truth)
    trials = sum(record["stage"] == "search" and record["status"] == "completed" for record in model.records_)
    return {"ratio": float(np.mean(error / naive)), "trials": trials, "lookback": model.lookback_} | seconds


def reference(name, data_directory, budget, seed, share, noise):
    """Measure the simple methods; return a dict. `budget` isn't used."""
    import numpy as np
    from sklearn.linear_model import RidgeCV

    season, horizon = SETS[name]
    values, n_train = load(name, data_directory, share)
    first_steps, truth = origins(values, n_train, horizon)
    naive = _error(seasonal_naive(values, season, horizon, first_steps), truth)
    noisy = with_noise(values, noise, seed)
    n_lags = min(max(24, 2 * season), n_train // 3)
    lagged = [noisy[step - n_lags : step].ravel() for step in range(n_lags, len(values))]
    n_fitted = n_train - n_lags - horizon + 1
    future = [values[step : step + horizon].ravel() for step in range(n_lags, n_train - horizon + 1)]
    ridge = RidgeCV(np.logspace(-3, 4, 15)).fit(_relative(lagged[:n_fitted], noisy), future)
    predicted = ridge.predict(_relative([lagged[step - n_lags] for step in first_steps], noisy))
    errors = {"ridge": _error(predicted.reshape(truth.shape), truth)}
    columns = [exponential_smoothing(column, n_train, season, horizon, first_steps) for column in values.T]
    errors["smoothing"] = _error(np.stack(columns, axis=2), truth)
    return {method: float(np.mean(error / naive)) for method, error in errors.items()}


def _relative(lagged, values):
    import numpy as np

    return np.asarray(lagged) / np.tile(values.std(axis=0), len(lagged[0]) // values.shape[1])


def _error(forecasts, truth):
    import numpy as np

    return np.sqrt(np.square(forecasts - truth).mean(axis=(0, 1)))


def exponential_smoothing(column, n_train, season, horizon, first_steps):
    """Return the forecasts `(n, horizon)` of the variant of Holt-Winters with the smallest AICc."""
    import numpy as np
    from scipy.optimize import minimize

    # Holt-Winters with a season as long as a year of days has too many states for these series.
    season = season if season <= 60 and n_train >= 3 * season else 1
    unit, fitted = column[:n_train].std(), column[max(0, n_train - 2000) : n_train]
    best = (np.inf, None, None)
    variants = [("none", False), ("none", True)]
    variants += [("additive", False), ("additive", True)] if season > 1 else []
    variants += [("multiplicative", True)] if season > 1 and column.min() > 0 else []
    for seasonal, trend in variants:

        def loss(raw, seasonal=seasonal, trend=trend):
            errors = _smooth(fitted, season, horizon, seasonal, trend, raw)[0][season + 1 :]
            return np.log(np.square(errors / unit).mean() + 1e-12)

        start = np.array([0.0, -3.0, -2.0, 3.0])
        solution = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 120 if len(fitted) > 500 else 400})
        size, n_parameters = len(fitted), 2 + 3 * trend + (season + 1) * (seasonal != "none")
        criterion = size * solution.fun + 2 * n_parameters * size / max(1, size - n_parameters - 1)
        if criterion < best[0]:
            best = (criterion, (seasonal, trend), solution.x)
    _, (seasonal, trend), raw = best
    start = max(0, n_train - 2000)
    forecasts = _smooth(column[start:], season, horizon, seasonal, trend, raw)[1]
    return forecasts[first_steps - start]


def _smooth(column, season, horizon, seasonal, trend, raw):
    """Return the errors of the forecasts of one step, and the forecasts of all steps from each step on."""
    import numpy as np

    level_rate, trend_rate, season_rate, damping = (1 / (1 + np.exp(-np.clip(raw, -30, 30)))).tolist()
    multiplies = seasonal == "multiplicative"
    level, slope = float(column[:season].mean()), 0.0
    if trend and season > 1:
        slope = float(column[season : 2 * season].mean() - level) / season
    indices = [1.0 if multiplies else 0.0] * season
    if seasonal != "none":
        indices = (column[:season] / level if multiplies else column[:season] - level).tolist()
    growth = np.cumsum(damping ** np.arange(1, horizon + 1))
    errors, states = np.empty(len(column)), np.empty((len(column), 2 + horizon))
    for step, value in enumerate(column.tolist()):
        states[step, :2] = level, slope
        states[step, 2:] = [indices[(step + ahead) % season] for ahead in range(horizon)]
        index, expected = indices[step % season], level + damping * slope
        errors[step] = value - (expected * index if multiplies else expected + index)
        before, seasonless = level, value / index if multiplies else value - index
        level = expected + level_rate * (seasonless - expected)
        if trend:
            slope = damping * slope + trend_rate * (level - before - damping * slope)
        if seasonal != "none":
            raw_index = value / level if multiplies else value - level
            indices[step % season] = index + season_rate * (raw_index - index)
    lines = states[:, :1] + states[:, 1:2] * growth
    return errors, lines * states[:, 2:] if multiplies else lines + states[:, 2:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_directory")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of a search")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--share", type=float, default=1.0, help="share of the training part that is kept")
    parser.add_argument("--noise", type=int, default=0, help="number of columns of noise")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.sets:
        fixed = {"name": name, "data_directory": arguments.data_directory, "budget": arguments.budget}
        fixed |= {"share": arguments.share, "noise": arguments.noise}
        mean = common.mean_over_seeds(__file__, "search", fixed, arguments.seeds)
        others = common.mean_over_seeds(__file__, "reference", fixed, arguments.seeds[:1])
        row = [name, f"{mean['ratio']:.3f}", f"{others['ridge']:.3f}", f"{others['smoothing']:.3f}"]
        rows.append([*row, f"{mean['cpu']:.1f}", f"{mean['seconds']:.1f}", f"{mean['trials']:.1f}"])
        rows[-1].append(f"{mean['lookback']:.0f}")
        print(*rows[-1], flush=True)
    header = ["", "autonas", "ridge on lags", "smoothing", "CPU s", "seconds", "trials", "lookback"]
    print(common.table(rows, header))


if __name__ == "__main__":
    main()
