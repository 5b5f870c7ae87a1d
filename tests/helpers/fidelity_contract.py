"""The contract of a strategy for those that wrap another and train the best on: of architectures, not of promotions."""

from autonas.testing import oracles as contracts


def architecture(values):
    return {name: value for name, value in values.items() if not name.startswith("tuner/")}


class FidelityContract(contracts.OracleContract):
    takes_several_scores = True

    # All nine are tried, but promotions come between, and then after them.
    test_a_small_space_is_tried_whole_and_then_done = None
    # What is promoted in the end of a shorter search isn't what a longer one would have promoted by then.
    test_more_trials_continue_a_search = None
    # Each of its searches ends with promotions of its own.
    test_the_journal_grows_by_as_much_for_each_trial = None
    # It counts promotions as trials.
    test_serves_a_tuner_of_keras_tuner_that_finds_the_space_itself = None

    def asked(self, space, count, seed=1, scores=lambda number, values: (contracts.score(values),)):
        oracle, found, number = self.oracle(space, seed), [], 0
        while len(found) < count:
            values = oracle.ask()
            if values["tuner/initial_epoch"] == 0:
                found.append(architecture(values))
            oracle.tell(number, values, scores(number, architecture(values)))
            number += 1
        return found
