"""Low fidelity: oracles that train most trials for less than the full number of epochs."""
