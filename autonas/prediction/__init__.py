"""Prediction: a trained network between the encoders of its inputs and the decoders of its outputs."""
