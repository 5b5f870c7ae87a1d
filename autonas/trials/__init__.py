"""Trials: records, jobs, checkpoints, the journal, the files and the order of trials."""
