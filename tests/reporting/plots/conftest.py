"""What tests of pictures share: no window, and a search to draw."""

import matplotlib
import pytest
from matplotlib import pyplot


@pytest.fixture(autouse=True)
def no_window():
    """Figures of pyplot are drawn into memory, and closed after a test."""
    matplotlib.use("Agg")
    yield
    pyplot.close("all")
