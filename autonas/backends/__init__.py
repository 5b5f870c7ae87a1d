"""Compiled functions and gradients on each of Keras's backends; `gradients` says what they do."""
