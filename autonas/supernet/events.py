"""Events over independent decisions, and their probabilities.

An event is a logical formula in disjunctive normal form: a frozenset of conjunctions. A conjunction is a frozenset of
pairs `(decision, option)`. The event happens if all pairs of at least one conjunction hold.
"""

ALWAYS = frozenset([frozenset()])
NEVER = frozenset()


def literal(decision, option):
    """Return the event that `decision` takes `option`."""
    return frozenset([frozenset([(decision, option)])])


def both(first, second):
    """Return the event that both events happen."""
    conjunctions = (one | other for one in first for other in second)
    return _simplified(terms for terms in conjunctions if len({decision for decision, _ in terms}) == len(terms))


def either(first, second, options):
    """Return the event that at least one of two events happens.

    Args:
        first: An event.
        second: An event.
        options: Function from a decision to its options.
    """
    event = _simplified(first | second)
    for decision in _decisions(event):
        conditional = {_conditional(event, decision, option) for option in options(decision)}
        if len(conditional) == 1:
            (event,) = conditional
    return event


def happens(event, chosen):
    """Return whether `event` happens if the decisions take the options in the dict `chosen`."""
    return any(all(chosen[decision] == option for decision, option in conjunction) for conjunction in event)


def probability(event, chance, options):
    """Return the probability of an event.

    Implements the expansion P(e) = sum_o P(d = o) P(e | d = o) over the options o of a decision d.

    Args:
        event: An event.
        chance: Function `(decision, option) -> probability`, a number or a tensor.
        options: Function from a decision to its options.

    Returns:
        A number or a tensor.
    """
    if event in (ALWAYS, NEVER):
        return 1.0 if event == ALWAYS else 0.0
    if len(event) == 1:
        (conjunction,) = event
        result = 1.0
        for decision, option in sorted(conjunction, key=repr):
            result = result * chance(decision, option)
        return result
    decision = _decisions(event)[0]
    terms = []
    for option in options(decision):
        conditional = _conditional(event, decision, option)
        if conditional != NEVER:
            terms.append(chance(decision, option) * probability(conditional, chance, options))
    return sum(terms)


def _decisions(event):
    return sorted({decision for conjunction in event for decision, _ in conjunction}, key=repr)


def _conditional(event, decision, option):
    """Return the event under the condition that `decision` takes `option`."""
    possible = (terms for terms in event if all(pair[0] != decision or pair[1] == option for pair in terms))
    return _simplified(terms - {(decision, option)} for terms in possible)


def _simplified(conjunctions):
    """Return the event of `conjunctions` without the conjunctions that another one implies."""
    conjunctions = set(conjunctions)
    return frozenset(terms for terms in conjunctions if not any(other < terms for other in conjunctions))
