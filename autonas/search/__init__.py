"""Search: the loop over trials, the standings, the final fit and ensembles."""
