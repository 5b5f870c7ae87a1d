"""Models made of blocks need nothing but Keras."""

import sys

import keras
import numpy as np

from autonas.search_space.blocks import (
    cell,
    chain,
    convolution,
    convolution_1d,
    dense,
    hierarchical,
    layered,
    merge,
    pretrained,
    recurrent,
    reduction,
    residual,
    residual_mlp,
    speedrun,
    transformer,
)
from tests.helpers import harness

#: Small blocks on images, and on series, with those options that the default architecture leaves out.
ON_IMAGES = [
    dense.DenseBlock(batch_normalization=True, residual=True),
    convolution.ConvolutionBlock(n_stages=2, kind="separable", downsampling="stride", dropout=0.1),
    chain.ChainBlock(depth=3, operations=["none"], skip="residual"),
    residual.ResidualBlock(n_stages=2, kind="bottleneck", squeeze_excite=True, dropout=0.1),
    layered.LayeredBlock(n_stages=2, squeeze_excite=True, dropout=0.1),
    hierarchical.HierarchicalBlock(
        n_stages=2, n_motifs=1, n_nodes_level_2=2, operations=["none", "identity"], downsampling="stride"
    ),
    speedrun.SpeedrunBlock(width=1),
    residual_mlp.ResidualMLPBlock(depth=1, kind="gated", normalization="layer"),
    reduction.Reduction("both"),
    pretrained.PretrainedBlock("MobileNetV3Small", image_size=32, weights=None),
]
ON_SERIES = [
    recurrent.RecurrentBlock(kind="lstm", bidirectional=True, dropout=0.25),
    convolution_1d.Convolution1DBlock(depth=2, kind="inception", residual=True, downsampling=True),
    cell.CellBlock(n_stages=2, n_nodes=1, operations=["dilated_3"]),
    transformer.TransformerBlock(depth=1),
]

CHECK = """
import pathlib, sys
import keras, numpy
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    stored = dict(numpy.load(path.with_suffix(".npz")))
    expected = stored.pop("output")
    outputs = keras.models.load_model(path)(stored)["head"]
    numpy.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-5)
    print(path.stem)
assert not any(name.startswith("autonas") for name in sys.modules)
"""


def test_saved_models_load_and_predict_the_same_in_a_process_without_autonas(tmp_path, run_elsewhere):
    images, _ = harness.digits(8)
    series, _ = harness.digit_series(8)
    graphs = {type(block).__name__: (harness.make_graph(block, images), images) for block in ON_IMAGES}
    graphs.update({type(block).__name__: (harness.make_graph(block, series), series) for block in ON_SERIES})
    graphs["Merge"] = harness.make_graph(merge.Merge("add"), images, node_count=2), images
    for name, (drawn, x) in graphs.items():
        model = drawn.build(harness.empty_values())
        model_inputs = harness.model_inputs(model, x)
        keras.Model(model.input, model.output).save(tmp_path / f"{name}.keras")
        np.savez(tmp_path / f"{name}.npz", output=model(model_inputs)["head"], **model_inputs)
    done = run_elsewhere([sys.executable, "-c", CHECK, str(tmp_path)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == sorted(graphs)
