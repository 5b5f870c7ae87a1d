"""Leaderboards as tests compare them."""


def trials(model):
    """The rows of the leaderboard but the baselines."""
    return model.leaderboard().query("stage != 'baseline'")


def board(model):
    """The leaderboard without what a clock says."""
    return model.leaderboard().drop(columns="seconds")
