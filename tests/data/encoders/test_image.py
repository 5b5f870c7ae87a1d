import pathlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from autonas.data import ImageEncoder, kinds

DIGITS = load_digits().images


def test_grey_images_get_a_channel(check_encoder):
    encoder = ImageEncoder().fit(DIGITS)
    image = check_encoder(encoder, DIGITS[:20])["image"]
    assert image.shape == (20, 8, 8, 1)
    np.testing.assert_array_equal(image[..., 0], DIGITS[:20])


def test_grey_images_may_have_a_channel_or_none_whatever_fit_had():
    for fitted, others in ((DIGITS, DIGITS[..., None]), (DIGITS[..., None], DIGITS)):
        image = ImageEncoder().fit(fitted).transform(others[:20])["image"]
        np.testing.assert_array_equal(image[..., 0], DIGITS[:20])


def test_channels_that_come_first_are_warned_of():
    with pytest.warns(UserWarning, match=r"1 pixel\(s\) high, with 8 channels.*pass x.transpose\(0, 2, 3, 1\)"):
        ImageEncoder().fit(DIGITS[:, None])


def test_bytes_stay_bytes(check_encoder):
    colour = np.random.default_rng(0).integers(0, 256, (30, 5, 4, 3), dtype="uint8")
    encoder = ImageEncoder().fit(colour)
    assert check_encoder(encoder, colour)["image"].dtype == "uint8"
    np.testing.assert_allclose(encoder.feature.statistics["mean"], colour.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(encoder.feature.statistics["variance"], colour.var(axis=(0, 1, 2)))


def test_bytes_are_refused_after_a_fit_on_pixels_up_to_1():
    encoder = ImageEncoder().fit(DIGITS / 16)
    encoder.transform(DIGITS / 8)
    with pytest.raises(ValueError, match="scale of fit, up to 1. Received: uint8 pixels up to 240. .* `x / 255`"):
        encoder.transform((DIGITS * 15).astype("uint8"))
    config = encoder.get_config()
    del config["state"]["largest"]  # As in older versions.
    ImageEncoder.from_config(config).transform(DIGITS * 15)


@pytest.mark.parametrize("images", [DIGITS, np.ones((30, 5, 4, 3))])
def test_a_single_image_is_refused_with_the_remedy(images):
    with pytest.raises(ValueError, match=r"Pass a single image as `x\[None\]`"):
        ImageEncoder().fit(images).transform(images[0])


def test_statistics_see_training_rows_only():
    rows = np.arange(100)
    statistics = ImageEncoder().fit(DIGITS, rows=rows).feature.statistics
    np.testing.assert_allclose(statistics["mean"], [DIGITS[:100].mean()])
    np.testing.assert_allclose(statistics["variance"], [DIGITS[:100].var()])


def test_statistics_do_not_depend_on_the_chunks():
    large = np.random.default_rng(0).normal(1000, 1, (300, 64, 64)).astype("float32")
    statistics = ImageEncoder().fit(large).feature.statistics
    np.testing.assert_allclose(statistics["mean"], [large.mean(dtype="float64")])
    np.testing.assert_allclose(statistics["variance"], [large.var(dtype="float64")])


@pytest.mark.parametrize(("shape", "n_values"), [((6, 6), 9), ((6, 6, 3), 12), ((6, 6, 17), None), ((2, 6), None)])
def test_statistics_have_the_covariance_of_standardised_patches(shape, n_values):
    images = np.random.default_rng(0).integers(0, 256, (300, *shape), dtype="uint8")
    encoder = ImageEncoder().fit(images)
    covariance = encoder.feature.statistics["patch_covariance"]
    again = ImageEncoder.from_config(encoder.get_config()).feature.statistics["patch_covariance"]
    if n_values is None:
        assert covariance is None and again is None
    else:
        np.testing.assert_allclose(covariance, np.eye(n_values), atol=0.1)
        np.testing.assert_array_equal(again, covariance)


def test_patches_of_large_images_are_those_of_averaged_images():
    images = np.random.default_rng(0).integers(0, 256, (300, 20, 30, 3), dtype="uint8")
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    covariance, of_large = (ImageEncoder().fit(x).feature.statistics["patch_covariance"] for x in (images, large))
    np.testing.assert_allclose(of_large, covariance, atol=0.02)
    # One more row and column of pixels than 2 x 20 and 2 x 30 don't fill an averaged pixel.
    wider = np.pad(large, [(0, 0), (0, 1), (0, 1), (0, 0)], mode="edge")
    assert ImageEncoder().fit(wider).feature.statistics["patch_covariance"].shape == (12, 12)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_one_bad_pixel_is_named(value):
    images = DIGITS.copy()
    images[17, 3, 4] = value
    message = r"`x` has 1 NaN or infinite value, the first at index \(17, 3, 4\)\. Remove or impute it"
    with pytest.raises(ValueError, match=message):
        ImageEncoder().fit(images)
    with pytest.raises(ValueError, match=r"1 NaN or infinite value, the first at index \(17, 3, 4\)"):
        ImageEncoder().fit(DIGITS).transform(images)


def test_pixels_of_16_bits_are_accepted_without_a_warning():
    encoded = ImageEncoder().fit(DIGITS).transform(DIGITS.astype("float16"))["image"]
    np.testing.assert_array_equal(encoded[..., 0], DIGITS)


def test_another_size_is_refused():
    encoder = ImageEncoder().fit(DIGITS)
    with pytest.raises(ValueError, match=r"images of shape \(8, 8\) as in fit. Received: \(8, 7\)"):
        encoder.transform(DIGITS[:, :, :7])


def test_fractions_are_refused_where_bytes_were_learned():
    encoder = ImageEncoder().fit(DIGITS.astype("uint8"))
    assert encoder.transform(DIGITS)["image"].dtype == "uint8"
    with pytest.raises(ValueError, match="uint8 pixels"):
        encoder.transform(DIGITS / 16)


def test_images_of_unequal_size_are_refused():
    with pytest.raises(ValueError, match="equal size"):
        ImageEncoder().fit([DIGITS[0], DIGITS[0, :7]])


def test_images_of_unequal_channels_are_refused_with_the_conversion():
    images = [np.zeros((8, 8)), np.zeros((8, 8, 3))]
    with pytest.raises(ValueError, match=r"`image.convert\('RGB'\)`. Received: .* \(8, 8\), \(8, 8, 3\)"):
        ImageEncoder().fit(images)
    with pytest.raises(ValueError, match=r"`image.convert\('RGB'\)`"):
        kinds.infer_kind(images)


@pytest.mark.parametrize("paths", [["a.png", "b.png"], [pathlib.Path("a.png")]])
def test_paths_are_refused_with_the_functions_that_read_them(paths):
    with pytest.raises(ValueError, match="paths such as 'a.png'. Read a folder by `keras.utils.image_dataset_from_dir"):
        ImageEncoder().fit(paths)


def test_an_array_of_arrays_is_read_as_a_list_of_images():
    images = np.empty(20, object)
    images[:] = list(DIGITS[:20])
    encoded = ImageEncoder().fit(images).transform(images)["image"]
    np.testing.assert_array_equal(encoded[..., 0], DIGITS[:20])
    images[3] = images[3][:-1]
    with pytest.raises(ValueError, match="equal size, such as after `keras.ops.image.resize`"):
        ImageEncoder().fit(images)
