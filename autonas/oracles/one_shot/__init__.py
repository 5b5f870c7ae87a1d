"""One-shot search: oracles that train a supernet before they propose candidates."""
