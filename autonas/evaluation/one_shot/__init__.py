"""One-shot evaluation: training a supernet and scoring architectures with its shared weights."""
