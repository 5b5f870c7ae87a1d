"""Costs: numbers measured on a built network, such as parameters, FLOPs, memory and latency."""
