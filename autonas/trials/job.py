"""Jobs and outcomes: what is asked of an evaluator and what comes of it, plain data that travels between processes."""

import dataclasses

from autonas.trials import checkpoint as checkpoints


@dataclasses.dataclass
class Job:
    """A candidate to evaluate: plain data that can travel to another process.

    Args:
        trial_id: The trial.
        number: Its number, from 0; of one that goes on with another's training, the number of the first.
        values: Values of the active hyperparameters, with Keras Tuner's reserved `tuner/` keys: with `tuner/epochs` it
            ends after so many epochs, with `tuner/data_share` and `tuner/resolution` it is trained on a share of the
            rows and at a share of the height and width of images.
        deadline: `time.monotonic()` at which its training must stop, or `None`.
        strategy: An `autonas.oracles.Oracle` that is asked and told in memory, or `None`: one-shot scores of what it
            asks for, or paths of a supernet that it draws.
        keeps_limits: Whether it is refused if a cost is beyond its limit.
        checkpoint: A `Checkpoint` to go on from, or `None`.
        earlier: Values of the trials whose trainings it goes on with, the first one first: they are done again if there
            is no checkpoint.
        costs: Costs that an earlier trial of the same training measured, a dict of floats; empty if none did.
        known_costs: Dict from the key of a network to a dict of the costs that were measured on it; see `Goal.measure`.
        stopper: Function of the history that says after each epoch whether it goes on, or `None`; see
            `Oracle.stopper_for`.
        may_go_on: Whether a later trial may go on with its training, so that its checkpoint is to be kept.
    """

    trial_id: str
    number: int
    values: dict
    deadline: float | None = None
    strategy: object = None
    keeps_limits: bool = True
    checkpoint: checkpoints.Checkpoint | None = None
    earlier: list = dataclasses.field(default_factory=list)
    costs: dict = dataclasses.field(default_factory=dict)
    known_costs: dict = dataclasses.field(default_factory=dict)
    stopper: object = None
    may_go_on: bool = False


@dataclasses.dataclass
class Outcome:
    """What came of a job.

    Args:
        status: `"completed"`, `"failed"`, or `"refused"`: a cost is beyond its limit, and nothing was trained.
        metrics: Scores of the best epoch, and costs.
        history: One dict of numbers for each epoch.
        best_epoch: The best epoch, from 1.
        epochs: Epochs trained, those of an earlier trial that it goes on from included.
        horizon: Epochs of the learning rate's schedule.
        batch_size: Rows per step, after halving if memory ran out.
        parameters: Number of the model's parameters, or `None` if it couldn't be built.
        seconds: Wall-clock seconds.
        message: Why it ended early or failed; empty if it ran its course.
        interrupted: Whether the user interrupted it.
        report: What else the strategy is to hear of a trial that is no candidate, a JSON-like dict.
        costs: Costs of the built model, a dict of floats.
        margins: How far it is within each limit, a list; see `objectives.goal.Measurement`.
        network: Key of the network that costs were measured on, or `None`; see `objectives.goal.Measurement`.
        initial_epoch: Epochs of an earlier trial that it went on from.
        forecast: Of its final score, a list of floats, if its `stopper` has stopped it; else `None`.
        weights: Averaged weights of the best epoch, a list of arrays; `None` if it wasn't trained.
        checkpoint: The `Checkpoint` after its last epoch, if it is to be kept and its training isn't a full one.
        precision: Name of the Keras dtype policy that it was trained under, or `None` if it wasn't.
        predictions: The network's predictions for the validation rows at the best epoch, a dict from head to float32
            `(n_validation, n_outputs)`; `None` of streams, whose rows have no fixed order, and if it wasn't trained.
        phases: What the seconds went to, a dict of seconds by phase: `"build"` the network, `"measure"` its costs,
            `"compile"` (see `TrainingLoop`), `"train"`, `"validate"`, `"report"` epochs, `"save"` checkpoints; of a
            stage with shared weights also `"supernet"`, to train them, and `"one_shot"`, to score with them, tracing
            included; `"lost"` with its worker; and `"other"`, the rest.
    """

    status: str
    metrics: dict = dataclasses.field(default_factory=dict)
    history: list = dataclasses.field(default_factory=list)
    best_epoch: int = 0
    epochs: int = 0
    horizon: int = 0
    batch_size: int | None = None
    parameters: int | None = None
    seconds: float = 0.0
    message: str = ""
    interrupted: bool = False
    report: dict = dataclasses.field(default_factory=dict)
    costs: dict = dataclasses.field(default_factory=dict)
    margins: list = dataclasses.field(default_factory=list)
    network: str | None = None
    initial_epoch: int = 0
    forecast: list | None = None
    weights: list | None = None
    checkpoint: checkpoints.Checkpoint | None = None
    precision: str | None = None
    predictions: dict | None = None
    phases: dict = dataclasses.field(default_factory=dict)
