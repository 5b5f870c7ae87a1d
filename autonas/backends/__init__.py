"""Functions that differ between the backends of Keras: compilation, gradients, devices, memory and precision."""
