"""Arguments of blocks that were renamed: saved configurations and recorded searches of before stay valid."""

import pytest

from autonas.search_space import ranges
from autonas.search_space.blocks import (
    chain,
    convolution,
    convolution_1d,
    hierarchical,
    layered,
    residual,
    transformer,
)
from tests.helpers import harness

RENAMED = [
    (chain.ChainBlock, "interval", "layers", 3),
    (convolution.ConvolutionBlock, "depth", "n_stages", 2),
    (convolution.ConvolutionBlock, "pooling", "downsampling", "average"),
    (convolution_1d.Convolution1DBlock, "pooling", "downsampling", True),
    (hierarchical.HierarchicalBlock, "reduction", "downsampling", "stride"),
    (layered.LayeredBlock, "stages", "n_stages", 3),
    (residual.ResidualBlock, "depth", "n_stages", 2),
    (transformer.TransformerBlock, "heads", "n_heads", 2),
]


@pytest.mark.parametrize(("kind", "former", "name", "value"), RENAMED)
def test_a_configuration_with_the_former_name_is_that_with_the_new_one(kind, former, name, value):
    config = kind(**{name: value}).get_config()
    earlier = {former if key == name else key: saved for key, saved in config.items()}
    assert earlier != config
    assert kind.from_config(earlier).get_config() == config == kind.from_config(config).get_config()


@pytest.mark.parametrize(
    ("block", "names"),
    [
        (convolution.ConvolutionBlock(name="b"), {"b/depth", "b/pooling", "b/depth_0/layers"}),
        (residual.ResidualBlock(name="b"), {"b/depth", "b/depth_1/layers"}),
        (layered.LayeredBlock(name="b"), {"b/stages", "b/stages_1/width"}),
        (hierarchical.HierarchicalBlock(n_motifs=1, n_nodes_level_2=2, name="b"), {"b/reduction"}),
    ],
)
def test_hyperparameters_keep_the_former_names(block, names):
    space = harness.make_graph(block, harness.digits(8)[0]).declare()
    assert names <= {hyperparameter.name for hyperparameter in space.space}


def test_the_number_of_stages_of_convolutions_may_be_passed_as_depth():
    with pytest.warns(DeprecationWarning, match="The argument `depth` of ConvolutionBlock is now `n_stages`."):
        block = convolution.ConvolutionBlock(depth=ranges.Int(1, 2))
    assert block.n_stages == ranges.Int(1, 2)


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="ConvolutionBlock has no argument `pooling`. Received: pooling='max'"):
        convolution.ConvolutionBlock(pooling="max")
