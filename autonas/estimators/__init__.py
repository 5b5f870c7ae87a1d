"""Estimators: the objects that a person fits, predicts with, saves and loads."""
