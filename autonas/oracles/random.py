"""Random search: the yardstick of every strategy."""

from autonas.oracles import base


class RandomOracle(base.Oracle):
    """Draws architectures at random: at each choice met, every option is equally likely (Bergstra and Bengio 2012).

    The first trial is the default architecture. Arguments as in `Oracle`.
    """

    takes_warm_start = False
    suggest_changes_state = False

    def suggest(self, generator):
        return self.encoding.sample(generator)
