"""Preparation: from the plan and the data of `fit` to the problem that a search solves."""
