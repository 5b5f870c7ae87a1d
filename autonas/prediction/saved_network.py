"""Loading of saved networks, `.keras` files, without running code or opening other files."""

import json
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import keras

from autonas import storage

_MEMBERS = ["config.json", "metadata.json", "model.weights.h5"]

#: Keras's layers that compute from their arguments and weights alone. Excluded are layers with code (`Lambda`,
#: `JaxLayer`, `FlaxLayer`, `TorchModuleWrapper`) and layers that read files (`TFSMLayer`, lookups with vocabularies).
_LAYERS = frozenset(
    """Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention AugMix
    AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional
    CategoryEncoding CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D
    Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D CutMix
    Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Equalization Flatten GRU
    GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention HashedCrossing
    Hashing Identity InputLayer LSTM LSTMCell LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D
    MaxPooling3D Maximum MelSpectrogram Minimum MixUp MultiHeadAttention Multiply Normalization PReLU Permute Pipeline
    RMSNormalization RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast
    RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue
    RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear
    RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram
    SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D
    SpatialDropout3D SpectralNormalization StackedRNNCells Subtract TimeDistributed UnitNormalization UpSampling1D
    UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D""".split()
)
_CLASSES = {
    "keras.layers": _LAYERS,
    "keras": {"DTypePolicy", "Sequential"},
    "keras.random": {"SeedGenerator"},
    "keras.src.models.functional": {"Functional"},
}
#: Modules of Keras whose objects consist of numbers only.
_PLAIN_MODULES = ("keras.initializers", "keras.regularizers", "keras.constraints")
#: Modules of Keras whose operations are the functions of `keras.ops`.
_OPERATIONS = tuple(f"keras.src.ops.{name}" for name in ("core", "einops", "image", "linalg", "math", "nn", "numpy"))
#: Values that Keras writes in the format of objects.
VALUES = {"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__"}


def load(path: str) -> keras.Model:
    """Load the network of a `.keras` file.

    Keras itself would call any public class or function of Keras that the file names, with the arguments in the file.
    This function first checks that `refusal` accepts all of them.

    Raises:
        DamagedFile: If the file can't be read.
        ValueError: If a class, a function or a member of the archive isn't accepted. The message names the file and
            the reason.
    """
    with storage.describing_damage(path):
        reason = refusal(path)
    if reason is not None:
        raise ValueError(f"{path} holds {reason}.")
    with storage.describing_damage(path):
        return keras.models.load_model(path, compile=False, safe_mode=True)


def refusal(path: str) -> str | None:
    """Return a phrase on why `load` refuses a file, or `None` if the file is accepted."""
    with zipfile.ZipFile(path) as archive:
        others = sorted(set(archive.namelist()) - set(_MEMBERS))
        if others:
            return f"{others[0]!r:.60}, which isn't a member of a network saved by autonas"
        if sorted(archive.namelist()) != _MEMBERS or archive.testzip() is not None:
            raise zipfile.BadZipFile("a member of the archive is missing, doubled or damaged")
        config = json.loads(archive.read("config.json"))
    for entry in objects(config):
        if not _is_accepted(entry):
            name = entry.get("config") if entry["class_name"] == "function" else entry["class_name"]
            return (
                f"{name!r:.60} of {entry.get('module')!r:.60}, which may run code or open files. Saved networks are "
                "made of Keras's own layers without code, and of classes that are registered with "
                "`keras.saving.register_keras_serializable` before they are loaded"
            )
    return None


def objects(config: Any) -> Iterator[dict[str, Any]]:
    """Yield the dicts at any depth of a configuration from which Keras creates objects."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        config = config.values()
    elif not isinstance(config, list):
        return
    for value in config:
        yield from objects(value)


def _is_accepted(entry: dict[str, Any]) -> bool:
    name, module = entry["class_name"], entry.get("module")
    if name in VALUES:
        return True
    # Keras deserialises entries without a module in older ways, and compiles models with objects of `compile_config`.
    if "module" not in entry or entry.get("compile_config"):
        return False
    if name == "function":
        name = entry.get("config")
        return isinstance(name, str) and (_is_registered(name) or _is_activation(name, module))
    # Keras looks for a registered class first.
    registered = entry.get("registered_name", name)
    if keras.saving.get_registered_object(registered) is not None:
        return _is_registered(registered)
    if module in _PLAIN_MODULES:
        return isinstance(getattr(sys.modules[module], name, None), type)
    if module in _OPERATIONS:
        operation = getattr(sys.modules[module], name, None)
        return isinstance(operation, type) and issubclass(operation, keras.Operation)
    return name in _CLASSES.get(module or "", ())


def _is_registered(name: Any) -> bool:
    """Return whether a name is registered with Keras, for a function or class of the user or a layer of autonas."""
    registered = keras.saving.get_registered_object(name)
    if isinstance(registered, type) and registered.__module__.split(".")[0] == "autonas":
        return issubclass(registered, keras.Operation)
    return registered is not None


def _is_activation(name: Any, module: Any) -> bool:
    accessors = ("deserialize", "get", "serialize")
    known = module in ("builtins", "keras.activations") and name not in accessors
    return known and callable(getattr(keras.activations, name, None))
