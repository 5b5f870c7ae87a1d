"""Events that depend on which options independent decisions take: when they happen, and with what probability.

An event is a set of ways in which it can happen, a frozenset of frozensets of pairs `(decision, option)`: it happens if
all pairs of any of the ways hold.
"""

ALWAYS = frozenset([frozenset()])
NEVER = frozenset()


def literal(decision, option):
    """The event that a decision takes an option."""
    return frozenset([frozenset([(decision, option)])])


def both(first, second):
    """The event that two events happen."""
    ways = (one | other for one in first for other in second)
    return _shortest(way for way in ways if len({decision for decision, _ in way}) == len(way))


def either(first, second, options):
    """The event that any of two events happens.

    Args:
        first: An event.
        second: An event.
        options: Function from a decision to the options it has.
    """
    event = _shortest(first | second)
    for decision in _decisions(event):
        given = {_given(event, decision, option) for option in options(decision)}
        if len(given) == 1:
            (event,) = given
    return event


def happens(event, chosen):
    """Whether an event happens, given a dict from decisions to options."""
    return any(all(chosen[decision] == option for decision, option in way) for way in event)


def probability(event, chance, options):
    """The probability of an event, by the expansion P(e) = sum_o P(d = o) P(e | d = o) over the options of a decision.

    Args:
        event: An event.
        chance: Function `(decision, option) -> probability`, a number or a tensor.
        options: Function from a decision to the options it has.

    Returns:
        A number or a tensor.
    """
    if event in (ALWAYS, NEVER):
        return 1.0 if event == ALWAYS else 0.0
    if len(event) == 1:
        (way,) = event
        result = 1.0
        for decision, option in sorted(way, key=repr):
            result = result * chance(decision, option)
        return result
    decision = _decisions(event)[0]
    terms = []
    for option in options(decision):
        given = _given(event, decision, option)
        if given != NEVER:
            terms.append(chance(decision, option) * probability(given, chance, options))
    return sum(terms)


def _decisions(event):
    return sorted({decision for way in event for decision, _ in way}, key=repr)


def _given(event, decision, option):
    """The event under the condition that a decision takes an option."""
    possible = (way for way in event if all(pair[0] != decision or pair[1] == option for pair in way))
    return _shortest(way - {(decision, option)} for way in possible)


def _shortest(ways):
    """Without the ways that need more than another one."""
    ways = set(ways)
    return frozenset(way for way in ways if not any(other < way for other in ways))
