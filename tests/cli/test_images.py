"""Folders of images are read in one format."""

import numpy as np
import PIL.Image
import pytest

from autonas.cli import images


def test_images_are_at_most_128_pixels_a_side(tmp_path):
    PIL.Image.new("RGB", (512, 256)).save(tmp_path / "a.png")
    assert images.format_of(tmp_path) == {"image_size": [64, 128], "color_mode": "rgb"}


def test_one_image_with_colours_makes_all_of_them_coloured(tmp_path):
    for name in ("a.png", "b.png"):
        PIL.Image.new("L", (8, 8)).save(tmp_path / name)
    assert images.format_of(tmp_path)["color_mode"] == "grayscale"
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "c.png")
    assert images.format_of(tmp_path) == {"image_size": [8, 8], "color_mode": "rgb"}


def test_images_with_unusual_endings_are_read(tmp_path):
    for name in ("zero/a.png", "one/a.jpg", "one/b.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        PIL.Image.new("L", (8, 8)).save(tmp_path / name)
    with open(tmp_path / "one" / "a.jpg", "ab") as file:
        file.write(bytes(1000))
    grey = images.read(tmp_path, [8, 8], "grayscale", seed=0)
    assert len(grey.file_paths) == 3
    for name, shade in (("a", 40), ("b", 200)):
        PIL.Image.new("L", (8, 8), shade).save(tmp_path / "one" / f"{name}.gif")
    ((pixels, labels),) = images.read(tmp_path, [8, 8], "grayscale", seed=0)
    assert pixels.shape == (4, 8, 8, 1)
    np.testing.assert_allclose(sorted(pixels.numpy().max(axis=(1, 2, 3))), [0, 0, 40, 200], atol=0.01)
    assert sorted(labels.numpy()) == [0, 0, 0, 1]
    (tmp_path / "one" / "a.gif").unlink()
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "one" / "a.bmp")
    assert len(images.read(tmp_path, [8, 8], "rgb").file_paths) == 4


def test_a_folder_without_images_is_no_class(tmp_path):
    for name in ("zero/a.png", "one/a.png", "none/a.txt"):
        (tmp_path / name).parent.mkdir()
        PIL.Image.new("L", (8, 8)).save(tmp_path / name, "PNG")
    with pytest.raises(ValueError, match="must have images. Received: none in none"):
        images.read(tmp_path, [8, 8], "grayscale")
    (tmp_path / "none" / "b.png").write_bytes((tmp_path / "one" / "a.png").read_bytes())
    assert images.read(tmp_path, [8, 8], "grayscale").class_names == ["none", "one", "zero"]
