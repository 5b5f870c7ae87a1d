"""Ensemble selection: which candidates are averaged, by what they predict for the validation rows."""

import dataclasses
import functools

#: Additions at most, and those in a row after which none has made it better.
_MAX_ADDITIONS = 30
_PATIENCE = 8


@dataclasses.dataclass(frozen=True)
class Selection:
    """An ensemble.

    Args:
        members: Dict from candidate to its weight; weights add up to 1. The best candidate by itself comes first.
        before: Scores of that one by itself.
        after: Scores of the ensemble.
        refused: Number of candidates that would have made it better, but weren't allowed.
    """

    members: dict
    before: dict
    after: dict
    refused: int


def select(predictions, first, score, is_better, size, is_allowed=lambda members: True):
    """Greedy forward selection with replacement.

    Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML 2004. Of candidates
    c with predictions p_c, the ensemble is a bag B, which predicts

        p_B = (1 / |B|) Σ_{c in B} p_c.

    It begins with the best candidate, and the one that makes the score of p_B best is added again and again, perhaps
    one that it has already: the share of a candidate in the bag is its weight. Of all the bags on the way, the best one
    is taken, and of equally good ones the first, so that it is never worse than the best candidate on these rows.

    Deviations: it begins with one candidate instead of several; there is no bagging over subsets of the candidates; it
    holds at most `size` different ones, since each is a network that is run; it ends after 30 additions, or 8 in a row
    that haven't made it better.

    Args:
        predictions: Dict from candidate to its predictions, a dict from head to array `(n, n_outputs)`.
        first: The best candidate.
        score: Function from predictions and the set of their members to a dict of scores.
        is_better: Function of two dicts of scores.
        size: Number of different candidates at most.
        is_allowed: Function from a set of candidates to whether these may be averaged. Defaults to all.

    Returns:
        A `Selection`.
    """
    bag, total = [first], predictions[first]
    before = best_scores = score(total, {first})
    best, refused = bag, set()
    while len(bag) <= _MAX_ADDITIONS and len(bag) - len(best) < _PATIENCE:
        found = []
        for candidate in predictions if len(set(bag)) < size else dict.fromkeys(bag):
            if candidate not in refused:
                mean = _mean(total, predictions[candidate], len(bag))
                found.append((candidate, mean, score(mean, {*bag, candidate})))
        found.sort(key=functools.cmp_to_key(lambda one, other: _order(is_better, one[2], other[2])))
        for added in found:
            if added[0] in bag or is_allowed({*bag, added[0]}):
                break
            # What isn't allowed beside few isn't beside more.
            refused.add(added[0])
        candidate, total, scores = added
        bag = [*bag, candidate]
        if is_better(scores, best_scores):
            best, best_scores = bag, scores
    members = {each: best.count(each) / len(best) for each in dict.fromkeys(best)}
    return Selection(members, before, best_scores, len(refused))


def _mean(total, added, n_members):
    """The mean of so many predictions and one more."""
    return {name: array + (added[name] - array) / (n_members + 1) for name, array in total.items()}


def _order(is_better, one, other):
    return is_better(other, one) - is_better(one, other)
