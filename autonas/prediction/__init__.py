"""Prediction with a trained network: encoding of inputs, decoding of outputs, and loading of saved networks."""
