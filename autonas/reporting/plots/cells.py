"""Drawing of a cell: its nodes in a row, its operations on edges above and below."""

from autonas.reporting.plots import canvas
from autonas.search_space.drawn_graph import ChosenEdges, is_used

_FONT, _LANE, _STEP, _RADIUS = 7.0, 17.0, 78.0, 8.0
_CHARACTER = 0.6
_TITLE = 18.0
_COLOURS = {
    "convolution": "#CFE3F2",
    "separable": "#CFEDE3",
    "dilated": "#F8E3B5",
    "max": "#EFD3E3",
    "average": "#EFD3E3",
    "identity": "#EEEEEE",
}


class Cell:
    """Graph of a cell with the chosen operations.

    Args:
        drawing: Dict of the graph, as `Block.drawing` returns.
        values: Dict from active decisions to their values.
    """

    def __init__(self, drawing, values):
        self.name = drawing["name"]
        inputs = drawing["inputs"]
        chosen = ChosenEdges.of(drawing, values)
        self.decisions, self.edges, n_nodes = chosen.decisions, list(chosen.edges), chosen.n_nodes
        has_edges = n_nodes > len(inputs)
        self.labels = [*inputs, *(str(number + 1) for number in range(n_nodes - len(inputs)))]
        if drawing.get("joins") and n_nodes > len(inputs) + 1:
            self.edges += [(node, n_nodes, "") for node in range(len(inputs), n_nodes)]
            self.labels.append("output")
        elif n_nodes > len(inputs):
            self.labels[-1] = "output"
        #: Whether the cell is used and has edges.
        self.is_drawn = has_edges and is_used(drawing, values)
        self._place()

    def _place(self):
        """Assign every edge to a lane above or below the nodes, such that edges in a lane don't overlap."""
        taken = {}
        self.lanes = {}
        for edge in sorted(self.edges, key=lambda edge: (edge[1] - edge[0], edge[0])):
            source, target, label = edge
            if target - source == 1 and not any(
                other[:2] == edge[:2] and lane == 0 for other, lane in self.lanes.items()
            ):
                self.lanes[edge] = 0
                continue
            for lane in (sign * level for level in range(1, 20) for sign in (-1, 1)):
                if all(target <= other[0] or source >= other[1] for other in taken.get(lane, [])):
                    taken.setdefault(lane, []).append((source, target))
                    self.lanes[edge] = lane
                    break
        self.n_above = -min([0, *self.lanes.values()])
        self.n_below = max([0, *self.lanes.values()])
        longest = max((len(_words(label)) for _, _, label in self.edges), default=0)
        #: Half of the width of each node.
        self.halves = [
            0.9 * _RADIUS if len(label) <= 2 else 0.27 * _FONT * max(map(len, label.rsplit(" ", 1))) + 4
            for label in self.labels
        ]
        self.step = max(_STEP, longest * _FONT * _CHARACTER + 2 * max(self.halves) + 20)
        self.width = self.halves[0] + self.halves[-1] + 2 + self.step * (len(self.labels) - 1)
        self.height = _TITLE + _LANE * (self.n_above + self.n_below + 2)

    def draw(self, axes, left, top, scale):
        """Draw the cell into axes whose units are points at full size.

        Args:
            axes: The axes.
            left: Position of the left edge.
            top: Position of the upper edge.
            scale: Size of the text relative to its full size.
        """
        from matplotlib import patches

        axes.text(left, top + 6, canvas.plain(self.name, 80), fontsize=8 * scale, fontweight="bold", va="center")
        middle = top + _TITLE + _LANE * (self.n_above + 0.6)
        centres = [left + self.halves[0] + 1 + self.step * node for node in range(len(self.labels))]
        for (source, target, label), lane in self.lanes.items():
            start, end = centres[source] + self.halves[source], centres[target] - self.halves[target]
            self._edge(axes, start, end, middle, lane, label=label, scale=scale)
        for centre, label, half in zip(centres, self.labels, self.halves, strict=True):
            words = label.rsplit(" ", 1)
            axes.add_patch(patches.FancyBboxPatch(
                (centre - half, middle - _RADIUS), 2 * half, 2 * _RADIUS, boxstyle="round,pad=0,rounding_size=6",
                facecolor="white", edgecolor="0.2", linewidth=scale, zorder=5,
            ))  # fmt: skip
            axes.text(centre, middle, "\n".join(map(canvas.plain, words)), ha="center",
                      va="center", fontsize=(_FONT - 0.8 * (len(words) > 1)) * scale, zorder=6,
                      linespacing=0.9)  # fmt: skip

    def _edge(self, axes, start, end, middle, lane, label, scale):
        from matplotlib import patches, path

        height = middle + lane * _LANE
        # Lines in farther lanes have longer slopes, so that the lines at one node stay apart.
        slope = 4.0 + 3.0 * abs(lane)
        points = [(start, middle), (start + slope, height), (end - slope - 6, height), (end, middle)]
        if lane == 0:
            points = [(start, middle), (end, middle)]
        is_plain = not label or label == "identity"
        axes.add_patch(
            patches.FancyArrowPatch(
                path=path.Path(points), arrowstyle="-|>", mutation_scale=7 * scale, color="0.45",
                linewidth=scale, linestyle=(0, (3, 2)) if is_plain else "-", shrinkA=0, shrinkB=0, zorder=1,
                joinstyle="round",
            )
        )  # fmt: skip
        if label:
            colour = _COLOURS.get(label.split("_")[0], "#FFFFFF")
            box = {"facecolor": colour, "edgecolor": "0.6", "linewidth": 0.5 * scale, "boxstyle": "round,pad=0.25"}
            axes.text((start + end - 3) / 2, height, canvas.plain(_words(label), 30), ha="center", va="center",
                      fontsize=_FONT * scale, bbox=box, zorder=3)  # fmt: skip


def _words(label):
    return label.replace("_", " ")
