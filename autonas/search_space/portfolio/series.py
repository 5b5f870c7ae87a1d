"""Entries of the portfolio for series and forecasts.

The list begins with ridge regressions on the series and on the features of frozen kernels, which are fitted in closed
form. Trees on intervals follow, for levels, deviations and single steps, to which the kernels are mostly blind. Of
short series, boosted trees on the single steps come next, for classes that depend on a few steps together.
"""

from autonas.search_space.blocks import hydra, series_kernels
from autonas.search_space.portfolio.conditions import Conditions
from autonas.search_space.values import Scalar


def _kernels(transform: str, groups: int = 0, size: int = 0, **further: Scalar) -> dict[str, Scalar]:
    """Return the entry of frozen kernels with some settings."""
    settings = {name: value for name, value in {"groups": groups, "size": size, **further}.items() if value}
    prefix = f"kind_kernels/transform_{transform}"
    return {"kind": "kernels", "kind_kernels/transform": transform} | {
        f"{prefix}/{name}": value for name, value in settings.items()
    }


#: The first kernels of a search on series, the fastest first. The largest that are fast enough follow the first entry,
#: and after them the largest for which there is time, if there is none for all kernels. Few kernels are hardly faster
#: than some thousands: most of the time is that of building and compiling.
_FIRST_KERNELS = [
    _kernels("both", groups, size) for groups, size in ((4, 500), (4, 1_000), (8, 1_000), (8, 2_500), (16, 5_000))
]
_ALL_KERNELS = _kernels("both", 64, 10_000)
#: Trees on intervals. Of few series they consider half of the features for a split, since few of them may matter.
_INTERVALS: dict[str, Scalar] = {"kind": "intervals", "kind_intervals/split_features": "half"}
_INTERVALS_OF_MANY: dict[str, Scalar] = {"kind": "intervals", "kind_intervals/split_features": "sqrt"}
#: Boosted trees on the steps of short series. All steps are considered for a split, since a class may depend on two of
#: them together, and neither is chosen before the other one.
_TREES: dict[str, Scalar] = {
    "kind": "trees",
    "kind_trees/learning_rate": 0.15,
    "kind_trees/leaves": 8,
    "kind_trees/leaf_rows": 5,
    "kind_trees/l2": 1.0,
}
_ENTRIES: list[dict[str, Scalar]] = [
    {"kind": "ridge"},
    {"kind": "ridge", "kind_ridge/difference": True},
    _ALL_KERNELS,
    _kernels("hydra", 64),
    _kernels("both", 64, 10_000, poolings="all"),
    _kernels("minirocket", size=10_000),
    _INTERVALS,
    _TREES,
    {"kind": "lite"},
    {"kind": "convolution", "kind_convolution/filters": 128, "kind_convolution/depth": 2,
     "optimization/learning_rate": 1e-3},
    {"kind": "dense"},
    {"kind": "inception", "kind_inception/filters": 64},
    {"kind": "recurrent"},
]  # fmt: skip

#: Entries of forecasts: the linear forecast without a correction comes first.
FORECAST: list[dict[str, Scalar]] = [{"kind": "linear"}, *_ENTRIES]

#: Largest shares of the time limit of the first kernels, of more of them and of other kernels. The shares are without
#: compilation, and kernels for which the time is too short are fitted to a sample of the rows.
_FIRST_SHARE, _SECOND_SHARE, _LARGEST_SHARE = 0.15, 0.25, 0.3
#: Times of a kernel of Hydra and of a feature of MiniRocket, whose kernels have several, with one pooling and with all,
#: relative to the measured time of a response.
_HYDRA_RESPONSES, _MINIROCKET_RESPONSES, _MULTIROCKET_RESPONSES = 1.2, 0.35, 0.8
#: Number of rows from which on a fit takes a random sample of the rows if there is no time for all.
_SAMPLED_ROWS = 1500
#: Number of series up to which trees consider half of the features of a split, in some seconds.
_FEW_SERIES = 2000


def entries(length: int, conditions: Conditions) -> list[dict[str, Scalar]]:
    """Return the entries for series of some length, without the kernels for which there is no time."""

    def share(point: dict[str, Scalar]) -> float:
        """Return the responses of an entry as a share of the possible ones."""
        prefix = f"kind_kernels/transform_{point.get('kind_kernels/transform')}"
        groups, size = (int(point.get(f"{prefix}/{name}", 0)) for name in ("groups", "size"))
        n_kernels = hydra.GROUP * groups * len(series_kernels.powers_of_two(length))
        of_feature = _MULTIROCKET_RESPONSES if point.get(f"{prefix}/poolings") == "all" else _MINIROCKET_RESPONSES
        n_responses = _HYDRA_RESPONSES * n_kernels + of_feature * size
        return min(conditions.n_rows, _SAMPLED_ROWS) * length * n_responses / conditions.most_responses

    first = [point for point in _FIRST_KERNELS if share(point) <= _FIRST_SHARE] or _FIRST_KERNELS[:1]
    ridge, *others = _ENTRIES
    if conditions.n_rows > _FEW_SERIES:
        others = [_INTERVALS_OF_MANY if point is _INTERVALS else point for point in others]
    others = [point for point in others if share(point) <= _LARGEST_SHARE]
    if _ALL_KERNELS not in others:
        affordable = [point for point in _FIRST_KERNELS if share(point) <= _SECOND_SHARE]
        others = [point for point in affordable[-1:] if point is not first[-1]] + others
    return [ridge, first[-1], *others]
