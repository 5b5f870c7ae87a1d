"""Short texts for people."""

import pytest

from autonas.reporting.text import architecture, duration


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ""),
        ({"units": 64, "block": "dense", "merge": "add"}, "dense, add"),
        ({"a": "p", "b": "q", "c": "r", "d": "s"}, "p, q, r"),
        (
            {"tuner/stage": "supernet", "block": None, "stem/rate": 0.123456, "flip": True},
            "rate=0.123, flip=True",
        ),
    ],
)
def test_architecture(values, expected):
    assert architecture(values) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (60, "1:00"), (3599.6, "1:00:00"), (3725, "1:02:05")],
)
def test_duration(seconds, expected):
    assert duration(seconds) == expected
