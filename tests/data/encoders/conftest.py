"""What must hold for every encoder."""

import json

import keras
import numpy as np
import pytest


@pytest.fixture
def check_encoder(tmp_path):
    """Checks a fitted encoder on rows: declared tensors, config round trip, exported Keras model."""

    def check(encoder, x):
        tensors = encoder.transform(x)
        declared = encoder.feature.tensors
        assert list(tensors) == list(declared)
        for name, array in tensors.items():
            assert (array.shape[1:], str(array.dtype)) == (declared[name].shape, declared[name].dtype)

        restored = type(encoder).from_config(json.loads(json.dumps(encoder.get_config())))
        assert restored.feature.tensors == declared
        for name, array in restored.transform(x).items():
            np.testing.assert_array_equal(array, tensors[name])

        restored.keras_model().save(tmp_path / "encoder.keras")
        model = keras.models.load_model(tmp_path / "encoder.keras")
        for name, array in model.predict(encoder.raw_inputs(x), verbose=0).items():
            assert array.dtype == tensors[name].dtype
            np.testing.assert_allclose(array, tensors[name], atol=1e-5)
        return tensors

    return check
