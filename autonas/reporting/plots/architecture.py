"""Plot of an architecture: blocks with their decisions, and the graphs of cells."""

from autonas.reporting import text
from autonas.reporting.plots import canvas, cells, wording

#: Lengths in points at full size: height of text, distance of lines, padding of boxes.
_FONT, _LINE, _PADDING = 8.0, 11.5, 7.0
_ACROSS, _DOWN = 34.0, 16.0
#: Mean width of a character as a share of its height, in matplotlib's default font.
_CHARACTER = 0.6
_HEADING = 9.5
#: Maximum number of lines of a box and of characters of a line.
_N_LINES, _N_CHARACTERS = 26, 46
_FILLS = {"input": "#E8F1F8", "block": "#FFFFFF", "head": "#FCEBDD"}
_EDGES = {"input": canvas.BLUE, "block": "0.35", "head": canvas.RED}


def _size(search, record, width=None):
    layout = _Layout(search, record, width)
    return layout.width / 72 + 0.1, layout.height / 72 + 0.1


@canvas.sized(_size)
def plot_architecture(search, record, width=None, axes=None):
    """Plot the architecture of a trial: blocks, their decisions and their cells.

    The plot has a natural size and is scaled, including its text, to the size of the axes. `canvas.figure` creates a
    figure of the natural size.

    Args:
        search: The `SearchInfo` with the blueprint of the graph.
        record: The `TrialRecord` with the values of the decisions.
        width: Maximum width in inches. Blocks are placed in a column if a row of blocks is wider. Defaults to `None`,
            blocks in a row.
        axes: A `matplotlib.axes.Axes`, or `None` for a new one.

    Returns:
        The axes.

    Example:

    ```python
    from autonas.reporting import SearchInfo, TrialRecord, plots

    blueprint = [
        {"name": "image", "kind": "ImageInput", "inputs": [], "role": "input",
         "facts": {"data": "image", "shapes": {"image": [28, 28, 1]}}, "drawing": []},
        {"name": "dense", "kind": "DenseBlock", "inputs": ["image"], "role": "block", "facts": {}, "drawing": []},
        {"name": "label", "kind": "ClassificationHead", "inputs": ["dense"], "role": "head",
         "facts": {"task": "multiclass", "n_outputs": 10}, "drawing": []},
    ]
    search = SearchInfo("val_accuracy", "max", blueprint=blueprint)
    record = TrialRecord("0000", 0, values={"dense/units": 32}, score=0.9, status="completed")
    picture = plots.figure(plots.plot_architecture, search, record)
    ```
    """
    layout = _Layout(search, record, width)
    axes = canvas.new_axes(axes, (layout.width / 72 + 0.1, layout.height / 72 + 0.1))
    if not layout.boxes:
        return canvas.note(axes, "the search has no blueprint")
    axes.set_axis_off()
    axes.set_xlim(0, layout.width)
    axes.set_ylim(layout.height, 0)
    axes.set_aspect("equal", anchor="NW")
    area = axes.get_window_extent()
    scale = min(area.width / layout.width, area.height / layout.height) * 72 / axes.figure.dpi
    # If the axes are alone in their figure, the layout will make them fill the figure.
    scale = min(1.0, scale) if len(axes.figure.axes) > 1 else _fitting(axes, layout)
    for number, line in enumerate(layout.heading):
        axes.text(0, 7 + 12 * number, canvas.plain(line, 90), fontsize=_HEADING * scale, fontweight="bold", va="center")
    for points in layout.arrows:
        _arrow(axes, points, layout.is_vertical, scale)
    for box in layout.boxes.values():
        _box(axes, box, scale)
    for panel, left, top in layout.panels:
        panel.draw(axes, left, top, scale)
    for number, line in enumerate(layout.footer):
        axes.text(0, layout.footer_top + (number + 0.5) * _LINE, canvas.plain(line, 400), fontsize=7.5 * scale,
                  va="center", color="0.35")  # fmt: skip
    return axes


def _fitting(axes, layout):
    width, height = axes.figure.get_size_inches() * 72
    return min(1.0, width / (layout.width + 7), height / (layout.height + 7))


class _Box:
    """Box of an input, block or head: its text, size and position."""

    def __init__(self, block, lines):
        self.block = block
        self.title = wording.title(block)
        hidden = len(lines) - _N_LINES
        self.lines = lines if hidden <= 0 else [*lines[: _N_LINES - 1], f"… and {hidden + 1} more"]
        longest = max([len(line) for line in self.lines] + [1.08 * len(self.title)])
        self.width = longest * _FONT * _CHARACTER + 2 * _PADDING
        self.height = _LINE * (1 + len(self.lines)) + 1.6 * _PADDING
        self.left = self.top = 0.0


class _Layout:
    """Layout of the plot: blocks by their distance from the inputs, cells below, decisions about training last."""

    def __init__(self, search, record, width=None):
        values = {name: value for name, value in record.values.items() if value is not None}
        self.boxes, self.arrows, self.panels = {}, [], []
        panels = []
        for block in search.blueprint:
            all_cells = [cells.Cell(drawing, values) for drawing in block.get("drawing", [])]
            used = {name for cell in all_cells for name in cell.decisions}
            drawn = [cell for cell in all_cells if cell.is_drawn]
            lines = wording.facts(block) + wording.lines(values, block["name"], used)
            if block.get("role") == "input":
                lines += wording.lines(values, f"{block['name']}_encoding", used)
            self.boxes[block["name"]] = _Box(block, wording.wrapped(lines, _N_CHARACTERS))
            several = sum(bool(other.get("drawing")) for other in search.blueprint) > 1
            panels += [(cell, f"{wording.title(block)}: {cell.name}" if several else cell.name) for cell in drawn]
        columns, passing = _columns(search.blueprint, self.boxes)
        heading = _heading(search, record)
        limit = None if width is None else 72 * width - 8
        across = sum(max((box.width for box in boxes), default=0.0) + _ACROSS for boxes in columns) - _ACROSS
        self.is_vertical = limit is not None and max(across, _heading_width(heading)) > limit
        self.heading = [heading]
        if self.is_vertical:
            self.heading = wording.wrapped([heading], int(limit / _heading_width("x")))
        upper = _DOWN + 6.0 + 12 * (len(self.heading) - 1)
        boxes_width, height = self._place(columns, upper)
        self._connect(passing)
        for panel, name in panels:
            panel.name = name
        boxes_width = max(boxes_width, *map(_heading_width, self.heading))
        panels = [panel for panel, _ in panels]
        self.width, height = self._place_panels(panels, boxes_width, height, limit if self.is_vertical else 520.0)
        others = {name: value for name, value in values.items()
                  if name.startswith("optimization/")}  # fmt: skip
        self.footer = wording.wrapped(
            ["training: " + ", ".join(text.phrase(*item) for item in others.items())] if others else [],
            int(max(self.width, limit if self.is_vertical else 0.0) / (7.5 * _CHARACTER)),
        )
        if self.is_vertical and self.footer:
            self.width = max(self.width, limit)
        self.footer_top = height + _DOWN / 2
        self.height = self.footer_top + _LINE * len(self.footer)

    def _place(self, columns, upper):
        """Place boxes in columns, or in rows if the plot is vertical, and return the width and the height."""
        if self.is_vertical:
            return self._place_rows(columns, upper)
        heights = [sum(box.height for box in boxes) + _DOWN * (len(boxes) - 1) for boxes in columns]
        height = max(heights, default=0.0)
        left = 1.0
        for boxes, column_height in zip(columns, heights, strict=True):
            top, width = upper + (height - column_height) / 2, max((box.width for box in boxes), default=0.0)
            for box in boxes:
                box.left, box.top = left + (width - box.width) / 2, top
                top += box.height + _DOWN
            left += width + _ACROSS
        return left - _ACROSS + 1.0, upper + height + 1.0

    def _place_rows(self, rows, upper):
        widths = [sum(box.width for box in boxes) + _DOWN * (len(boxes) - 1) for boxes in rows]
        width, top = max(widths, default=0.0), upper
        for boxes, row_width in zip(rows, widths, strict=True):
            left, height = 1.0 + (width - row_width) / 2, max((box.height for box in boxes), default=0.0)
            for box in boxes:
                box.left, box.top = left, top
                left += box.width + _DOWN
            top += height + _DOWN
        return width + 2.0, top - _DOWN + 1.0

    def _connect(self, passing):
        """Compute the arrows, lists of points."""
        for (source, target), gaps in passing.items():
            first, last = self.boxes[source], self.boxes[target]
            if self.is_vertical:
                points = [(first.left + first.width / 2, first.top + first.height)]
                points += [(gap.left + gap.width / 2, gap.top) for gap in gaps]
                points.append((last.left + last.width / 2, last.top))
            else:
                points = [(first.left + first.width, first.top + first.height / 2)]
                points += [(gap.left, gap.top + gap.height / 2) for gap in gaps]
                points.append((last.left, last.top + last.height / 2))
            self.arrows.append(points)

    def _place_panels(self, panels, width, height, least):
        """Place cells below the boxes in rows of similar width, and return the total width and height."""
        limit = max([width, least, *(panel.width for panel in panels)])
        left, top, row = 1.0, height + _DOWN, 0.0
        for panel in panels:
            if left > 1.0 and left + panel.width > limit:
                left, top, row = 1.0, top + row + _DOWN, 0.0
            self.panels.append((panel, left, top))
            left, row = left + panel.width + _ACROSS, max(row, panel.height)
            width = max(width, left - _ACROSS)
        return width, top + row if panels else height


def _columns(blueprint, boxes):
    """Assign boxes to columns by their distance from the inputs.

    Returns:
        Tuple of a list of columns, which are lists of boxes and gaps, and a dict from pairs of a source and its target
        to the gaps in the columns between them.
    """
    column_of = {}
    for block in blueprint:
        column_of[block["name"]] = 1 + max((column_of[source] for source in block["inputs"]), default=-1)
    # An input is placed directly before the first block that uses it.
    for block in blueprint:
        if not block["inputs"]:
            targets = [column_of[other["name"]] for other in blueprint if block["name"] in other["inputs"]]
            column_of[block["name"]] = min(targets, default=1) - 1
    columns = [[] for _ in range(1 + max(column_of.values(), default=-1))]
    passing = {}
    for block in blueprint:
        columns[column_of[block["name"]]].append(boxes[block["name"]])
        for source in block["inputs"]:
            # An arrow over several columns needs a gap in every column in between.
            between = range(column_of[source] + 1, column_of[block["name"]])
            gaps = [_Gap() for _ in between]
            for gap, column in zip(gaps, between, strict=True):
                columns[column].append(gap)
            passing[source, block["name"]] = gaps
    return columns, passing


def _heading_width(heading):
    return len(heading) * _HEADING * 1.1 * _CHARACTER


def _heading(search, record):
    parts = [f"trial {record.number}" if record.is_candidate else record.stage.replace("_", " ")]
    if record.score is not None:
        parts.append(f"{search.objective} {record.score:.4g}")
    if record.parameters is not None:
        parts.append(f"{record.parameters:,} parameters")
    return ", ".join(parts)


class _Gap:
    """Gap in a column for an arrow that crosses the column."""

    width, height = 10.0, 12.0

    def __init__(self):
        self.left = self.top = 0.0


def _box(axes, box, scale):
    from matplotlib import patches

    role = box.block.get("role", "block")
    axes.add_patch(
        patches.FancyBboxPatch(
            (box.left, box.top), box.width, box.height, boxstyle="round,pad=0,rounding_size=5",
            facecolor=_FILLS[role], edgecolor=_EDGES[role], linewidth=1.1 * scale, zorder=2,
        )
    )  # fmt: skip
    top = box.top + 0.8 * _PADDING
    axes.text(box.left + _PADDING, top + _LINE / 2, canvas.plain(box.title), va="center", fontsize=_FONT * scale,
              fontweight="bold", color=_EDGES[role] if role != "block" else "black", zorder=3)  # fmt: skip
    for number, line in enumerate(box.lines, 1):
        indent = (len(line) - len(line.lstrip())) * _FONT * _CHARACTER / 2
        axes.text(box.left + _PADDING + indent, top + (number + 0.5) * _LINE, canvas.plain(line, 60), va="center",
                  fontsize=_FONT * scale, color="0.15", zorder=3)  # fmt: skip


def _arrow(axes, points, is_vertical, scale):
    """Draw an arrow through points, at right angles to the boxes at its ends."""
    from matplotlib import patches, path

    vertices, codes = [points[0]], [path.Path.MOVETO]
    for (left, top), (right, bottom) in zip(points, points[1:], strict=False):
        across, down = (left + right) / 2, (top + bottom) / 2
        bends = [(left, down), (right, down)] if is_vertical else [(across, top), (across, bottom)]
        vertices += [*bends, (right, bottom)]
        codes += [path.Path.CURVE4] * 3
    axes.add_patch(
        patches.FancyArrowPatch(
            path=path.Path(vertices, codes), arrowstyle="-|>", mutation_scale=10 * scale, color="0.35",
            linewidth=1.2 * scale, shrinkA=0, shrinkB=0, zorder=1,
        )
    )  # fmt: skip
