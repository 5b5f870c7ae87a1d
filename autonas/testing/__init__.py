"""Contracts that parts written by others must meet, as pytest classes to subclass."""
