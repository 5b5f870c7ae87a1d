"""Neural architecture search for Keras: `AutoModel(...).fit(x, y)`."""

import importlib

__version__ = "0.1.0"

#: Public names by the module that defines them; imported when first used, so that `import autonas` is quick.
_MODULES = {
    "autonas.estimators.auto_model": ["AutoModel"],
    "autonas.estimators.tasks": [
        "ImageClassifier",
        "ImageRegressor",
        "StructuredDataClassifier",
        "StructuredDataRegressor",
        "TextClassifier",
        "TextRegressor",
        "TimeSeriesClassifier",
        "TimeSeriesRegressor",
    ],
    "autonas.estimators.forecaster": ["TimeSeriesForecaster"],
    "autonas.exceptions": ["BaselineWarning", "InfeasibleWarning", "SearchFailed"],
    "autonas.reporting.callback": ["SearchCallback"],
    "autonas.search_space.ranges": ["Boolean", "Choice", "Float", "Int"],
    "autonas.search_space.decisions": ["InputChoice", "LayerChoice", "Repeat", "WidthChoice"],
    "autonas.search_space.block": ["Block"],
    "autonas.search_space.graph": ["Graph"],
    "autonas.search_space.inputs": ["ImageInput", "Input", "StructuredDataInput", "TextInput", "TimeSeriesInput"],
    "autonas.search_space.heads": ["ClassificationHead", "RegressionHead"],
    "autonas.search_space.blocks.boosted_trees": ["BoostedTreesBlock"],
    "autonas.search_space.blocks.extra_trees": ["ExtraTreesBlock"],
    "autonas.search_space.blocks.gaussian_process": ["GaussianProcessBlock"],
    "autonas.search_space.blocks.cell": ["CellBlock"],
    "autonas.search_space.blocks.chain": ["ChainBlock"],
    "autonas.search_space.blocks.convolution": ["ConvolutionBlock"],
    "autonas.search_space.blocks.convolution_1d": ["Convolution1DBlock"],
    "autonas.search_space.blocks.dense": ["DenseBlock"],
    "autonas.search_space.blocks.hierarchical": ["HierarchicalBlock"],
    "autonas.search_space.blocks.hydra": ["HydraBlock"],
    "autonas.search_space.blocks.image": ["ImageBlock"],
    "autonas.search_space.blocks.keras_block": ["KerasBlock"],
    "autonas.search_space.blocks.kernel_ridge": ["KernelRidgeBlock"],
    "autonas.search_space.blocks.lasso": ["LassoBlock"],
    "autonas.search_space.blocks.layered": ["LayeredBlock"],
    "autonas.search_space.blocks.logistic": ["LogisticBlock"],
    "autonas.search_space.blocks.merge": ["Merge"],
    "autonas.search_space.blocks.minirocket": ["MiniRocketBlock"],
    "autonas.search_space.blocks.preprocessing": [
        "Augmentation",
        "CategoricalEncoding",
        "Embedding",
        "Normalization",
        "TextVectorization",
    ],
    "autonas.search_space.blocks.pretrained": ["PretrainedBlock"],
    "autonas.search_space.blocks.random_patches": ["RandomPatchBlock"],
    "autonas.search_space.blocks.recurrent": ["RecurrentBlock"],
    "autonas.search_space.blocks.reduction": ["Reduction"],
    "autonas.search_space.blocks.residual": ["ResidualBlock"],
    "autonas.search_space.blocks.residual_mlp": ["ResidualMLPBlock"],
    "autonas.search_space.blocks.ridge": ["RidgeBlock"],
    "autonas.search_space.blocks.speedrun": ["SpeedrunBlock"],
    "autonas.search_space.blocks.structured_data": ["StructuredDataBlock"],
    "autonas.search_space.blocks.tabm": ["TabMBlock"],
    "autonas.search_space.blocks.text": ["TextBlock"],
    "autonas.search_space.blocks.time_series": ["TimeSeriesBlock"],
    "autonas.search_space.blocks.transformer": ["TransformerBlock"],
    "autonas.search_space.optimization": ["Optimization"],
    "autonas.search_space.operation_graph": ["OperationGraph"],
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

_PACKAGES = ("execution", "exports", "objectives", "oracles", "reporting", "testing")

__all__ = ["__version__", *_PACKAGES, *sorted(_MODULE_OF)]


def __getattr__(name):
    if name not in _MODULE_OF and name not in _PACKAGES:
        raise AttributeError(f"module 'autonas' has no attribute {name!r}")
    from autonas.backends import silence

    silence.import_keras()
    if name in _PACKAGES:
        return importlib.import_module(f"autonas.{name}")
    return getattr(importlib.import_module(_MODULE_OF[name]), name)


def __dir__():
    return __all__
