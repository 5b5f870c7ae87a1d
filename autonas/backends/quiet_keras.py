"""Import of Keras without the messages of TensorFlow, for packages that users import before any name of `autonas`."""

from autonas.backends import silence

silence.import_keras()
