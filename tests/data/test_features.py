import dataclasses

import pytest

from autonas.data import Feature, Tensor


def test_a_feature_is_frozen():
    feature = Feature("image", {"image": Tensor((8, 8, 1), "uint8")}, {})
    assert feature.tensors["image"].shape == (8, 8, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        feature.kind = "text"
