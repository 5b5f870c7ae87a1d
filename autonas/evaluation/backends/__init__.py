"""Compiled functions and gradients on each of Keras's backends; `evaluation.gradients` says what they do."""
