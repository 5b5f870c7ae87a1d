"""Horizontal lines through the best score and through extreme values, which keep these inside TensorBoard's charts."""

import statistics

from autonas.reporting.tensorboard import event_log, layout

#: Maximum distance of the worst score from the best, in distances of the median, for a line through the worst score.
_FARTHEST = 5.0


class Levels:
    """Horizontal lines at the best and the worst score, and at the extremes of other charts, in a run of their own.

    By default TensorBoard's charts show the values between the 5th and the 95th percentile of all points. A best
    score reached late is outside, and so are the smallest and the largest value of a curve: both of two values.
    A line through a value has enough points for the value to be inside. A score that is far from all others, such as
    that of a training that diverged, stays outside.

    The lines are written anew when their values change: at each of the first 20 trials, and then after every 20th
    part of the search so far, so that the log grows in proportion to the number of trials.

    Args:
        directory: `pathlib.Path` of the run.
    """

    def __init__(self, directory):
        self._directory = directory
        self._run = None
        self._scores = []
        self._ranges = {}
        self._lines = {}
        self._next_step = 0

    def observe(self, numbers):
        """Note the scores, and the smallest and the largest values of other numbers by tag."""
        for tag, number in numbers.items():
            if tag == "score":
                self._scores.append(number)
            elif layout.has_range(tag):
                smallest, largest = self._ranges.get(tag, (number, number))
                self._ranges[tag] = min(smallest, number), max(largest, number)

    def write(self, step, best_seconds, numbers, is_last):
        """Write the lines if it is time.

        Args:
            step: Last step of the search.
            best_seconds: Last step of the best score over seconds.
            numbers: Dict from the tags of the search to their last values.
            is_last: Whether the search ends.

        Returns:
            Dict from the tags of the lines to their values.
        """
        lines = {}
        if "best_score" in numbers:
            n_points = 2 + step // 5  # The chart's baselines have a point per trial too.
            for tag, last in (("best_score", step), ("best_score_over_seconds", best_seconds)):
                lines[f"{tag}_level"] = numbers["best_score"], _spread(last, n_points)
            worst = _worst(self._scores, numbers["best_score"])
            # A reader of TensorBoard keeps a line that isn't written anew.
            if worst != numbers["best_score"] or "worst_score_level" in self._lines:
                lines["worst_score_level"] = worst, _spread(step, 3 + step // 10)
        for tag, extremes in self._ranges.items():
            if extremes[0] < extremes[1]:
                for level, extreme in zip(layout.range_of(tag), extremes, strict=True):
                    lines[level] = extreme, _spread(step, 3 + step // 15)
        for family in ("trial_seconds", "seconds"):
            seconds = [number for tag, number in numbers.items() if tag.startswith(f"{family}/")]
            if seconds:
                for level, value in zip(layout.range_of_phases(family), (0.0, max(seconds)), strict=True):
                    lines[level] = value, range(step + 1)
        if lines != self._lines and (is_last or step >= self._next_step):
            self._rewrite(lines)
            self._next_step = step + 1 + step // 20
        return {tag: value for tag, (value, _) in self._lines.items()}

    def close(self):
        """Close the run."""
        if self._run is not None:
            self._run.close()

    def _rewrite(self, lines):
        if self._run is None:
            self._run = event_log.Run(self._directory, replaces=True)
        self._run.restart()
        for tag, (value, steps) in lines.items():
            for step in steps:
                self._run.write(step, event_log.scalars({tag: value}))
        self._run.flush()
        self._lines = lines


def _worst(scores, best):
    """Return the score farthest from the best one, or the best one if the farthest is far from most others, too."""
    if not scores:
        return best  # The best score is that of an earlier process.
    worst = max(scores, key=lambda score: abs(score - best))
    limit = _FARTHEST * statistics.median(abs(score - best) for score in scores)
    return worst if abs(worst - best) <= limit else best


def _spread(last, n_points):
    """Return different steps from 0 to the last one, at most `n_points`."""
    return sorted({last * index // (n_points - 1) for index in range(n_points)})
