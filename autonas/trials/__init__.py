"""Trials: names, stages, records, jobs, checkpoints, the journal and its events, the files and the order of trials."""
