"""Shapes: what content has another type or key than it must have is named."""

import pytest

from autonas import storage

SHAPE = {"kind": ("a", "b"), "rows": [int], "pairs": [[str, float]], "scores": {str: (float, None)}, "note?": str}
CONTENT = {"kind": "a", "rows": [1, 2], "pairs": [["x", 1.5], ["y", 2]], "scores": {"loss": None}}


def test_content_of_the_shape_passes():
    storage.check_shape(CONTENT, SHAPE, "content")
    storage.check_shape(CONTENT | {"note": "..."}, SHAPE, "content")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "c"}, "`content.kind` must be 'b'. Received: 'c'"),
        ({"rows": 3}, "`content.rows` must be a list. Received: 3"),
        ({"rows": [1, True]}, r"`content.rows\[1\]` must be of type int. Received: True"),
        ({"rows": [1, 2.5]}, r"`content.rows\[1\]` must be of type int. Received: 2.5"),
        ({"pairs": [["x", 1.5, 2]]}, r"`content.pairs\[0\]` must have 2 values. Received: 3"),
        ({"pairs": [["x", "y"]]}, r"`content.pairs\[0\]\[1\]` must be of type float. Received: 'y'"),
        ({"scores": {"loss": "low"}}, "`content.scores.loss` must be None. Received: 'low'"),
        ({"scores": []}, r"`content.scores` must be a dict. Received: \[\]"),
        ({"evil": 1}, "`content` has the unknown key 'evil'"),
    ],
)
def test_what_differs_is_named(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        storage.check_shape(CONTENT | change, SHAPE, "content")


def test_a_missing_key_is_named():
    with pytest.raises(ValueError, match="`content` lacks 'kind'"):
        storage.check_shape({"rows": []}, SHAPE, "content")
