"""Linear forecasts of many short series, compared with the last season, and with ETS and theta by statsforecast.

    python benchmarks/linear_forecasts.py TRAIN.csv TEST.csv --season 12 --number 150

The files are in the format of the M4 competition: a header, then one series in each row, an identifier and its steps;
the rows of TEST.csv have the following steps. The linear forecast is the one from which every `TimeSeriesForecaster`
starts. Errors are means over the series: the symmetric mean absolute percentage error, and the mean absolute error in
units of that of the seasonal naive forecast in the training part (MASE). ETS and theta are measured if statsforecast is
installed; their packages may need an environment of their own, to which `--python` is the interpreter.
"""

import argparse
import csv
import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import common  # noqa: E402
import forecasts  # noqa: E402


def read(path):
    """Return the series of a file, a dict from identifier to array."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {row[0]: np.array([float(value) for value in row[1:] if value.strip()]) for row in rows}


def linear(steps, horizon, season):
    """Return the forecast of autonas. The season isn't used: it is found in the steps."""
    from autonas.data import linear_forecast

    series = steps[:, None]
    n_train = max(1, int(0.8 * len(series)))
    choice = linear_forecast.choose(series, series, horizon, n_train=n_train, target_columns=[0])
    forecast = linear_forecast.LinearForecast([0], choice).fit(series, series, horizon)
    return forecast.predict(series[None, -choice.lookback :])[0]


def last_season(steps, horizon, season):
    return forecasts.seasonal_naive(steps, season, horizon, np.array([len(steps)]))[0]


def by_statsforecast(name):
    """Return the function of a method of statsforecast."""

    def forecast(steps, horizon, season):
        from statsforecast import models

        return getattr(models, name)(season_length=season).forecast(y=steps, h=horizon)["mean"]

    return forecast


METHODS = {
    "autonas": linear,
    "last season": last_season,
    "ETS": by_statsforecast("AutoETS"),
    "theta": by_statsforecast("DynamicOptimizedTheta"),
}


def measure(method, train, test, season, number, shortest):
    """Return the mean errors of a method and its CPU seconds for a series."""
    series, following = read(train), read(test)
    names = sorted(name for name, steps in series.items() if len(steps) >= shortest)
    names = np.random.default_rng(0).permutation(names)[:number].tolist()
    percentages, scaled, started = [], [], time.process_time()
    for name in names:
        steps, truth = series[name], following[name]
        forecast = METHODS[method](steps, len(truth), season)
        errors = np.abs(forecast - truth)
        percentages.append(200 * np.mean(errors / (np.abs(forecast) + np.abs(truth))))
        scaled.append(errors.mean() / np.abs(steps[season:] - steps[:-season]).mean())
    seconds = (time.process_time() - started) / len(names)
    return {"sMAPE": float(np.mean(percentages)), "MASE": float(np.mean(scaled)), "CPU s a series": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=os.path.abspath)
    parser.add_argument("test", type=os.path.abspath)
    parser.add_argument("--season", type=int, default=1)
    parser.add_argument("--number", type=int, default=150, help="number of series, drawn at random")
    parser.add_argument("--shortest", type=int, default=30, help="smallest number of steps of a series")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environment with statsforecast")
    arguments = vars(parser.parse_args())
    statistics_python, rows = arguments.pop("python"), []
    for method in METHODS:
        python = statistics_python if method in ("ETS", "theta") else sys.executable
        call = {"method": method} | arguments
        scores = common.in_fresh_process(os.path.abspath(__file__), "measure", call, python=python)
        if "error" in scores:
            print(f"{method} not measured: {scores['error']}")
            continue
        rows.append([method, *(f"{value:.3f}" for value in scores.values())])
    print(common.table(rows, ["", "sMAPE", "MASE", "CPU s a series"]))


if __name__ == "__main__":
    main()
