"""The source of the training data: how its files were read, so that new files are read in the same way."""

#: The shape of the description that is saved with a model; see `storage.check_shape`.
SOURCE_SHAPE = {
    "kind": ("images", "table", "series"),
    "targets?": [str],
    "words?": [str],
    "image_size?": [int, int],
    "color_mode?": ("grayscale", "rgb"),
    "dtype?": ("uint8", "float32"),
    "class_names?": [str],
}
