"""The default block of images."""

import functools

import keras

from autonas.search_space import block, decisions, ranges
from autonas.search_space.blocks import convolution, dense, preprocessing, reduction, residual, spaces


class ImageBlock(block.Block):
    """Normalises and augments images, then reduces them to a vector by a network of one of several families.

    Args:
        kind: Family of the network: `"dense"`, `"convolution"` or `"residual"`; `None` lets the search choose. Or a
            space of architectures: `"chain"`, `"cell"`, `"hierarchical"` or `"layered"`. Defaults to `None`.
        translation: Largest random shift in training as a share of the side, or a range. Defaults to a choice of 0
            and 0.1.
        horizontal_flip: Whether to mirror at random in training, or a range. Defaults to `Boolean()`.
        name: Name of the block.
    """

    takes_raw_inputs = True

    def __init__(
        self, kind=None, translation=ranges.Choice([0.0, 0.1]), horizontal_flip=ranges.Boolean(), name=None
    ):
        super().__init__(name)
        self.kind = kind
        self.translation = translation
        self.horizontal_flip = horizontal_flip

    def build(self, hp, inputs):
        normalization = preprocessing.Normalization()
        normalization.features = self.features
        outputs = preprocessing.augment(
            normalization.build(hp, inputs),
            translation=self.suggest(hp, "translation"),
            horizontal_flip=self.suggest(hp, "horizontal_flip"),
        )
        families = {
            "dense": lambda: functools.partial(dense.DenseBlock().build, hp),
            "convolution": lambda: functools.partial(
                reduced, hp, convolution.ConvolutionBlock(depth=ranges.Int(1, 4, default=2))
            ),
            "residual": lambda: functools.partial(reduced, hp, residual.ResidualBlock()),
        }
        return family(self.kind, families, reduced_spaces(hp))(hp, outputs)


def reduced(hp, network, inputs):
    """A network that makes a map or a series, and its reduction to a vector."""
    outputs = network.build(hp, inputs)
    with hp.name_scope("reduction"):
        return reduction.Reduction().build(hp, outputs)


def reduced_spaces(hp):
    """The spaces of architectures on images, series and texts as candidates of a `LayerChoice`."""
    return {
        name: lambda space=space: functools.partial(reduced, hp, space())
        for name, space in spaces.SEQUENCES_AND_MAPS.items()
    }


def family(kind, families, named=None):
    """The decision between families of networks; one of them, or of those `named` besides, if `kind` says so."""
    if kind is None:
        return decisions.LayerChoice("kind", families)
    known = {**families, **(named or {})}
    if kind not in known:
        raise ValueError(f"`kind` must be one of {list(known)} or None. Received: kind={kind!r}")
    return decisions.LayerChoice("kind", {kind: known[kind]})


def identity():
    """The family without a network: what follows is linear."""
    return keras.layers.Identity()
