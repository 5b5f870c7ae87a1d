"""Folders of images, for the command line."""

import contextlib
import functools
import os
import pathlib

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")  # The formats that Keras reads.
LARGEST_SIDE = 128
#: Approximate number of images that decide about the colour mode, and Pillow's modes without colours.
_N_EXAMINED, _GRAY = 1000, {"1", "L", "I", "F", "I;16"}
#: Beginnings of image files, and a part of their last bytes. A file with others is decoded to see if it is damaged.
_GIF = b"GIF8"
_IMAGE_ENDS = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG\r\n\x1a\n": b"IEND", _GIF: b";"}
_N_LAST_BYTES = 64


def is_folder(path):
    """Return whether `path` is a folder. Raise `FileNotFoundError` if `path` doesn't exist."""
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such file or folder: {path}")
    return path.is_dir()


def format_of(folder):
    """Determine size and colour mode of the images of a folder.

    The size is that of the first image that can be read. The mode is "grayscale" if no image has colours.

    Args:
        folder: Folder, searched with all its subfolders.

    Returns:
        Dict of `image_size`, [height, width] scaled to at most `LARGEST_SIDE` pixels per side, and `color_mode`,
        `"grayscale"` or `"rgb"`.

    Raises:
        ValueError: If there is no image that can be read.
    """
    import PIL.Image

    paths = [
        path
        for path in sorted(pathlib.Path(folder).rglob("*"))
        if path.suffix.lower() in SUFFIXES and not any(name.startswith(".") for name in path.relative_to(folder).parts)
    ]
    sizes, modes = [], set()
    for path in paths[:: max(1, len(paths) // _N_EXAMINED)]:
        # `read` names all files that aren't images.
        with contextlib.suppress(PIL.UnidentifiedImageError), PIL.Image.open(path) as image:
            sizes.append(image.size)
            modes.add(image.mode)
    if not sizes:
        raise ValueError(f"there is no readable image ({', '.join(SUFFIXES)}) in {folder}")
    width, height = sizes[0]
    scale = min(1.0, LARGEST_SIDE / max(width, height))
    size = [max(1, round(height * scale)), max(1, round(width * scale))]
    return {"image_size": size, "color_mode": "grayscale" if modes <= _GRAY else "rgb"}


def read(folder, image_size, color_mode, class_names=None, labelled=True, *, seed=0, dtype="float32"):
    """Read the images of a folder as a dataset in batches of 32.

    Args:
        folder: Folder with one subfolder per class, or with images at any depth if not `labelled`.
        image_size: [height, width] that the images are resized to.
        color_mode: `"grayscale"` or `"rgb"`.
        class_names: List of the class folders in the order of their labels. Defaults to the folders sorted by name.
        labelled: Whether the dataset yields shuffled images with integer labels. Otherwise the dataset yields the
            images alone, in the order of `dataset.file_paths`. Defaults to `True`.
        seed: Seed of the shuffling. Defaults to 0.
        dtype: Type of the pixels, `"float32"`, or `"uint8"` to round them after resizing. Defaults to `"float32"`.

    Returns:
        A `tf.data.Dataset` with the attributes `class_names` and `file_paths`.

    Raises:
        ValueError: If the class folders differ from `class_names`, or there are fewer than two, or a file can't be read
            as an image.
    """
    import keras

    # As in Keras, hidden folders aren't classes, such as .ipynb_checkpoints.
    folders = sorted(
        path.name for path in pathlib.Path(folder).iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if labelled and class_names is not None and folders != sorted(class_names):
        raise ValueError(f"{folder} must have the class folders {sorted(class_names)}. Received: {folders}")
    if labelled and len(folders) < 2:
        raise ValueError(f"{folder} must have at least two folders, one per class. Received: {folders}")
    dataset_in = functools.partial(
        keras.utils.image_dataset_from_directory,
        folder,
        labels="inferred" if labelled else None,
        label_mode="int" if labelled else None,
        class_names=class_names if labelled else None,
        image_size=tuple(image_size),
        batch_size=32,
        shuffle=labelled,
        seed=seed,
        verbose=False,
    )
    dataset, n_channels = dataset_in(color_mode=color_mode), 1 if color_mode == "grayscale" else 3
    if labelled and class_names is None:
        classes = {pathlib.Path(path).relative_to(folder).parts[0] for path in dataset.file_paths}
        if empty := sorted(set(folders) - classes):
            raise ValueError(f"each folder of {folder} must have images. Received: none in {', '.join(empty[:5])}")
    if n_channels == 1 and any(_first_bytes(path).startswith(_GIF) for path in dataset.file_paths):
        # TensorFlow decodes GIF in colours only.
        dataset, n_channels = _mapped(dataset_in(color_mode="rgb"), _grey), 3
    damaged = [
        path for path in sorted(dataset.file_paths) if _may_be_damaged(path) and not _can_be_decoded(path, n_channels)
    ]
    if damaged:
        more = f" and {len(damaged) - 5} more" if len(damaged) > 5 else ""
        kind, pronoun = ("images", "them") if len(damaged) > 1 else ("an image", "it")
        hidden = " Files that begin with '.' are hidden; `ls -a` lists them." if _is_hidden(damaged[0]) else ""
        raise ValueError(
            f"{', '.join(damaged[:5])}{more} can't be read as {kind}. Remove {pronoun}, or save {pronoun} again as PNG "
            f"or JPEG.{hidden}"
        )
    return _mapped(dataset, _rounded) if dtype == "uint8" else dataset


def _is_hidden(path):
    return os.path.basename(path).startswith(".")


def _mapped(dataset, function):
    """Return a dataset of images to which a function is applied."""
    result = dataset.map(lambda images, *labels: (function(images), *labels) if labels else function(images))
    result.class_names, result.file_paths = dataset.class_names, dataset.file_paths
    return result


def _rounded(images):
    """Return images with pixels of uint8."""
    import tensorflow as tf

    return tf.cast(tf.round(images), "uint8")


def _grey(images):
    """Return images in colours as grey images."""
    import tensorflow as tf

    # The weights of red, green and blue add up to 0.9999.
    return tf.image.rgb_to_grayscale(images) / 0.9999


def _first_bytes(path):
    with open(path, "rb") as file:
        return file.read(8)


def _may_be_damaged(path):
    """Return whether a file lacks the beginning or the end of an image. Reading all of many images would take long."""
    with open(path, "rb") as file:
        first = file.read(8)
        file.seek(max(0, file.seek(0, os.SEEK_END) - _N_LAST_BYTES))
        last = file.read()
    return not any(first.startswith(begin) and end in last for begin, end in _IMAGE_ENDS.items())


def _can_be_decoded(path, n_channels):
    """Return whether a file can be read by the decoder that Keras uses."""
    import tensorflow as tf

    try:
        tf.io.decode_image(tf.io.read_file(path), channels=n_channels, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        return False
    return True
