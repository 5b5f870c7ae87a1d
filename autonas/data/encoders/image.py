"""Encoder of images."""

import os
import warnings

import numpy as np

from autonas.data import kinds, masks, resolution
from autonas.data.encoders import standardisation
from autonas.data.encoders.base import (
    Encoder,
    RunningMoments,
    array_of,
    check_rows,
    chunks_of,
    first_index,
    have_one_shape,
    plural,
)
from autonas.data.features import Feature, Tensor

#: Largest number of values of a patch whose covariance is computed, and approximate number of patches.
_MOST_PATCH_VALUES, _PATCHES = 64, 200_000
#: Pixels up to 1 in fit have another scale than later whole numbers above this one, which are bytes.
_LARGEST_OF_UNIT = 16


class ImageEncoder(Encoder):
    """Encoder of images `(rows, height, width)` or `(rows, height, width, channels)` as the tensor `"image"`.

    Pixels are uint8 if the array in `fit` is uint8, otherwise float32. Their values aren't changed: the network
    normalises them.

    The statistics are `mean` and `variance`, `(channels,)`, of the pixels of the training set, and
    `patch_covariance`, `(values, values)`: the covariance of the values of small patches of standardised training
    images. The patches have 3 x 3 pixels in grey images, and 2 x 2 pixels in others, of images that are averaged to a
    shorter side of at most 32 pixels. The covariance is `None` if a patch would have more than 64 values or doesn't fit
    into an image.
    """

    kind = "image"
    state_shape = {
        "dtype": ("uint8", "float32"),
        "raw_shape": [int],
        "mean": [float],
        "variance": [float],
        "patch_covariance?": (None, [[float]]),
        "largest?": float,
    }

    def _fit(self, x, rows):
        x = _as_images(x)
        self.dtype_ = "uint8" if x.dtype == np.uint8 else "float32"
        self.raw_shape_ = x.shape[1:]
        _warn_of_channels_first(self.raw_shape_)
        check_rows(len(x))
        check_finite(x)
        moments = RunningMoments(self.raw_shape_[2] if x.ndim == 4 else 1)
        for chunk in chunks_of(x, rows):
            moments.update(chunk)
        self.mean_, self.variance_ = moments.mean, moments.variance
        self.largest_ = float(x.max())
        self.patch_covariance_ = self._patch_covariance(x, np.arange(len(x)) if rows is None else rows)

    def _patch_covariance(self, x, rows):
        height, width, n_channels = (*self.raw_shape_, 1)[:3]
        side = 3 if n_channels == 1 else 2
        n_values = side * side * n_channels
        if n_values > _MOST_PATCH_VALUES or min(height, width) < side:
            return None
        stride = resolution.stride((height, width))
        height, width = height // stride, width // stride
        n_images = int(np.clip(_PATCHES // (height * width), 1, len(rows)))
        images = x[rows[np.linspace(0, len(rows) - 1, n_images).astype(int)], : height * stride, : width * stride]
        images = images.reshape((n_images, height, stride, width, stride, n_channels)).mean((2, 4))
        images = (images - self.mean_) / np.sqrt(standardisation.variance_of_channels(self.mean_, self.variance_))
        patches = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
        # The order of the values is that of a kernel of a convolution.
        patches = np.moveaxis(patches, 3, -1).reshape(-1, n_values)
        return patches.T @ patches / len(patches)

    def transform(self, x):
        x = self.raw_inputs(x)
        return {"image": x if x.ndim == 4 else x[..., None]}

    def raw_inputs(self, x):
        x = _as_images(x)
        if x.shape[1:] + (1,) == self.raw_shape_:
            x = x[..., None]
        elif x.shape[1:] == self.raw_shape_ + (1,):
            x = x[..., 0]
        if x.shape[1:] != self.raw_shape_:
            raise ValueError(
                f"`x` must hold images of shape {self.raw_shape_} as in fit. Received: {x.shape[1:]}"
                f"{'. Pass a single image as `x[None]`.' if x.shape == self.raw_shape_ else ''}"
            )
        check_finite(x)
        if self.dtype_ == "uint8" and x.dtype != np.uint8:
            if (x < 0).any() or (x > 255).any() or (x != np.floor(x)).any():
                raise ValueError(
                    "`x` must hold uint8 pixels (whole numbers from 0 to 255) as in fit. "
                    f"Received: {x.dtype} pixels outside of these"
                )
        if self.largest_ <= 1 and x.max(initial=0) > _LARGEST_OF_UNIT and (x == np.floor(x)).all():
            raise ValueError(
                f"`x` must hold pixels on the scale of fit, up to {self.largest_:g}. Received: {x.dtype} pixels up to "
                f"{x.max():g}. Rescale them, for example by `x / 255`."
            )
        return x.astype(self.dtype_, copy=False)

    @property
    def feature(self):
        shape = self.raw_shape_ if len(self.raw_shape_) == 3 else (*self.raw_shape_, 1)
        tensors = {"image": Tensor(tuple(shape), self.dtype_)}
        statistics = {"mean": self.mean_, "variance": self.variance_, "patch_covariance": self.patch_covariance_}
        return Feature("image", tensors, statistics)

    def keras_model(self, strings=True, float64=True):
        import keras

        inputs = keras.Input(self.raw_shape_, dtype=self.dtype_, name="image")
        grey = len(self.raw_shape_) == 2
        outputs = keras.ops.expand_dims(inputs, -1) if grey else keras.layers.Identity(dtype=self.dtype_)(inputs)
        return keras.Model(inputs, {"image": outputs}, name="image_encoder")

    def _is_fitted(self):
        return hasattr(self, "mean_")

    def _get_state(self):
        return {
            "dtype": self.dtype_,
            "raw_shape": list(self.raw_shape_),
            "mean": self.mean_.tolist(),
            "variance": self.variance_.tolist(),
            "largest": self.largest_,
            "patch_covariance": None if self.patch_covariance_ is None else self.patch_covariance_.tolist(),
        }

    def _set_state(self, state):
        self.dtype_ = state["dtype"]
        self.raw_shape_ = tuple(state["raw_shape"])
        self.mean_, self.variance_ = np.array(state["mean"]), np.array(state["variance"])
        self.largest_ = state.get("largest", np.inf)  # Older versions saved none.
        covariance = state.get("patch_covariance")
        self.patch_covariance_ = None if covariance is None else np.array(covariance)


def _warn_of_channels_first(shape):
    if len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) > 4:
        warnings.warn(
            f"`x` holds images of shape {shape}, which is read as (height, width, channels): {shape[0]} pixel(s) high, "
            f"with {shape[2]} channels. If the channels come first, as in PyTorch, pass x.transpose(0, 2, 3, 1).",
            stacklevel=5,
        )


def _as_images(x):
    """Return images as an array, or raise a `ValueError` for other shapes or types."""
    masks.refuse_masked(x, "x")
    if isinstance(x, np.ndarray) and x.dtype.kind == "O" and x.ndim == 1:
        x = list(x)
    if isinstance(x, (list, tuple)) and not have_one_shape(x):
        raise kinds.unequal_images(x)
    x = array_of(x)
    if x.ndim == 1 and len(x) and isinstance(x[0], (str, os.PathLike)):
        raise ValueError(
            f"`x` must hold images, not the paths of their files. Received: paths such as {str(x[0])!r:.60}. Read a "
            "folder by `keras.utils.image_dataset_from_directory`, or each file by "
            "`keras.utils.img_to_array(keras.utils.load_img(path))`."
        )
    if x.ndim not in (3, 4):
        raise ValueError(
            "`x` must hold images of shape (rows, height, width) or (rows, height, width, channels). "
            f"Received: shape {x.shape}"
            + (". Pass a single image as `x[None]`, or reshape rows of pixels to images." if x.ndim == 2 else "")
        )
    if 0 in x.shape[1:]:
        raise ValueError(
            f"`x` must hold images of at least one pixel and one channel. Received: images of shape {x.shape[1:]}"
        )
    if x.dtype.kind not in "biuf":
        raise ValueError(f"`x` must hold numeric pixels. Received: dtype {x.dtype}")
    return x


def check_finite(x, start=0):
    """Raise a `ValueError` for NaN, infinite pixels, and pixels beyond the range of float32.

    Args:
        x: Images, an array.
        start: Index of the first row for the error message. Defaults to 0.
    """
    if x.dtype.kind != "f":
        return
    count, first, value = 0, None, None
    for chunk in chunks_of(x, None):
        with np.errstate(over="ignore"):
            # A float64 beyond the range of float32 becomes infinite in the network.
            bad = ~np.isfinite(chunk.astype("float32", copy=False))
        if bad.any():
            count += int(bad.sum())
            if first is None:
                index = first_index(bad)
                first, value = (index[0] + start, *index[1:]), chunk[index]
        start += len(chunk)
    if count:
        pronoun = "it" if count == 1 else "them"
        note = f" {value:g} is beyond the range of float32, 3.4e38." if np.isfinite(value) else ""
        raise ValueError(
            f"`x` has {plural(count, 'NaN or infinite value', 'NaN or infinite values')}, the first at "
            f"index {first}. Remove or impute {pronoun}.{note}"
        )
