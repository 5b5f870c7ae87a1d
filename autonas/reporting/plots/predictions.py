"""Plot of the predictions of a head on the validation set, compared with the truth."""

from autonas.reporting.plots import canvas

#: Maximum number of classes for counts in the cells of the confusion matrix.
_N_NUMBERED = 14
#: Maximum number of classes for labels.
_N_LABELLED = 40
_N_BARS = 20


def _size(predictions):
    n_classes = predictions.outputs.shape[1]
    if predictions.task in ("binary", "multiclass"):
        side = min(9.0, 2.6 + 0.42 * max(3, min(n_classes, _N_NUMBERED)))
        return side + 0.6, side
    if predictions.task == "multilabel":
        return canvas.SIZE[0], 1.4 + 0.3 * min(n_classes, _N_BARS)
    return canvas.SIZE if n_classes > 1 else (5.0, 4.6)


@canvas.sized(_size)
def plot_predictions(predictions, axes=None):
    """Plot the predictions of one head.

    - Binary and multiclass: the confusion matrix. Colours are shares of the rows of a class, numbers are counts.
    - Multilabel: true positives, false negatives and false positives of the most frequent labels, at a probability of
      one half.
    - Regression of one number: predictions over true values, with the diagonal.
    - Regression of several numbers: box plots of the residuals, in standard deviations of the target.

    Args:
        predictions: A `HeadPredictions`.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Example:

    ```python
    import autonas
    import numpy as np
    from autonas.reporting import plots

    truth, outputs = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    predictions = autonas.reporting.HeadPredictions("head", "binary", truth, outputs, ["no", "yes"])
    picture = plots.figure(plots.plot_predictions, predictions)
    ```
    """
    axes = canvas.new_axes(axes, _size(predictions))
    if not len(predictions.truth):
        return canvas.note(axes, "no rows to predict")
    if predictions.task in ("binary", "multiclass"):
        return _confusion(predictions, axes)
    if predictions.task == "multilabel":
        return _labels(predictions, axes)
    return _number(predictions, axes) if predictions.outputs.shape[1] == 1 else _residuals(predictions, axes)


def _confusion(predictions, axes):
    import numpy as np

    truth = np.asarray(predictions.truth).reshape(-1).astype(int)
    predicted = np.argmax(predictions.outputs, axis=1)
    n_classes = predictions.outputs.shape[1]
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (truth, predicted), 1)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if n_classes <= _N_NUMBERED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            axes.text(column, row, counts[row, column], ha="center", va="center", fontsize="small",
                      color="white" if shares[row, column] > 0.5 else "black")  # fmt: skip
    if n_classes <= _N_LABELLED:
        labels = [canvas.plain(name, 20) for name in predictions.classes or range(n_classes)]
        small = 8 if n_classes <= _N_NUMBERED else 5
        is_long = max(map(len, labels)) > 4
        axes.set_xticks(range(n_classes), labels, rotation=90 if is_long else 0, fontsize=small)
        axes.set_yticks(range(n_classes), labels, fontsize=small)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"accuracy {np.mean(truth == predicted):.3f} on {len(truth):,} rows", fontsize="medium")
    return axes


def _labels(predictions, axes):
    import numpy as np

    truth, predicted = np.asarray(predictions.truth) > 0.5, predictions.outputs > 0.5
    order = np.argsort(-truth.sum(0), kind="stable")[:_N_BARS]
    counts = {
        "true positives": ((truth & predicted).sum(0)[order], canvas.BLUE),
        "false negatives": ((truth & ~predicted).sum(0)[order], canvas.SKY),
        "false positives": ((~truth & predicted).sum(0)[order], canvas.ORANGE),
    }
    left = np.zeros(len(order))
    for label, (widths, colour) in counts.items():
        axes.barh(range(len(order)), widths, left=left, color=colour, label=label, edgecolor="white", linewidth=0.5)
        left += widths
    names = predictions.classes or list(range(truth.shape[1]))
    axes.set_yticks(range(len(order)), [canvas.plain(names[index]) for index in order])
    axes.invert_yaxis()
    axes.set_xlabel(f"rows, of {len(truth):,}")
    canvas.legend_above(axes)
    return canvas.tidy(axes)


def _number(predictions, axes):
    import numpy as np

    truth, predicted = np.ravel(predictions.truth), np.ravel(predictions.outputs)
    many = len(truth) > 500
    axes.scatter(truth, predicted, s=6 if many else 14, color=canvas.BLUE, alpha=0.35 if many else 0.7, linewidths=0)
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    axes.plot(ends, ends, color=canvas.RED, linewidth=1)
    error = float(np.sqrt(np.mean((predicted - truth) ** 2)))
    variance = float(np.var(truth))
    explained = f", R² {1 - error**2 / variance:.3f}" if variance else ""
    name = predictions.classes[0] if predictions.classes else predictions.name
    axes.set_title(f"root mean squared error {error:.4g}{explained}", fontsize="medium")
    axes.set_xlabel(canvas.plain(f"true {name}"))
    axes.set_ylabel("predicted")
    return canvas.tidy(axes)


def _residuals(predictions, axes):
    import numpy as np

    truth, predicted = np.asarray(predictions.truth, dtype=float), np.asarray(predictions.outputs, dtype=float)
    scale = truth.std(0)
    residuals = ((predicted - truth) / np.where(scale > 0, scale, 1.0))[:, :_N_BARS]
    names = predictions.classes or [f"target {index}" for index in range(truth.shape[1])]
    axes.axhline(0, color=canvas.RED, linewidth=1)
    axes.boxplot(residuals, patch_artist=True, flierprops={"markersize": 2},
                 boxprops={"facecolor": canvas.SKY}, medianprops={"color": "black"})  # fmt: skip
    labels = [canvas.plain(name, 16) for name in names[:_N_BARS]]
    is_crowded = sum(map(len, labels)) > 60
    axes.set_xticks(range(1, len(labels) + 1), labels, rotation=90 if is_crowded else 0)
    axes.set_ylabel("residual, in standard\ndeviations of the target")
    return canvas.tidy(axes)
