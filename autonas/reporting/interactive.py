"""Charts of a search for HTML pages that can be hovered over and zoomed, drawn by Plotly in the browser.

A chart is a dict of `data` and `layout`, as `Plotly.newPlot` takes it.
"""

import base64
import gzip
import html

from autonas.costs.orientation import oriented
from autonas.reporting import text
from autonas.reporting.plots import canvas, history, parallel
from autonas.trials import order
from autonas.trials.states import Stage, Status

#: Script that unpacks the library and draws every chart in place of its picture, in the colours of the page. Without
#: the script, the page shows the pictures.
SCRIPT = """
(async () => {
  const letters = atob(document.getElementById("library").textContent);
  const packed = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const library = document.createElement("script");
  library.textContent = await new Response(stream).text();
  document.head.append(library);
  const style = getComputedStyle(document.body);
  const line = style.getPropertyValue("--line");
  for (const place of document.querySelectorAll(".chart")) {
    const { data, layout } = JSON.parse(place.dataset.chart);
    const axis = (own) => ({ gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, ...own });
    const background = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest" };
    const font = { color: style.color, family: style.fontFamily, size: 12 };
    const margin = { l: 60, r: 16, t: 16, b: 48 };
    place.setAttribute("aria-label", place.querySelector("img").alt);
    place.replaceChildren();
    Plotly.newPlot(place, data, { ...background, font, margin, height: 380, legend: { orientation: "h", y: -0.2 },
      ...layout, xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis) }, { responsive: true, displaylogo: false });
  }
})();
"""


def library():
    """Return Plotly as an element of a page, compressed: 2 MB.

    Raises:
        ImportError: If Plotly isn't installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise ImportError(
            "`interactive=True` needs Plotly, which isn't installed: pip install 'autonas[interactive]'"
        ) from None
    packed = base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()
    return f'<script id="library" type="text/plain">{packed}</script>'


def plot_history(search, records, over="trials"):
    """Return the chart of the score of every trial and of the best score so far; see `plots.plot_history`."""
    trials, x_of = history.ended(records, over)
    scored = [record for record in trials if record.is_completed and order.is_number(record.score)]
    path = history.best_so_far(search, scored)
    steps = [(x_of[id(record)], record.score) for record in path]
    if steps:
        steps.append((max(x_of.values()), steps[-1][1]))
    data = [
        _points("trial", [(x_of[id(record)], record.score) for record in scored], _notes(search, records, scored)),
        {
            **_line("best so far", steps, canvas.BLUE),
            "line": {"shape": "hv", "color": canvas.BLUE},
            "hoverinfo": "skip",
        },
    ]
    worst = min((record.score for record in scored), key=lambda score: oriented(score, search.direction), default=0.0)
    for status, colour in ((Status.FAILED, canvas.RED), (Status.REFUSED, canvas.ORANGE)):
        some = [record for record in trials if record.status == status]
        if some:
            points = [(x_of[id(record)], worst) for record in some]
            data.append(_points(f"{status} ({len(some)})", points, _notes(search, records, some), colour, "x"))
    layout = _layout(history.LABELS[over], history.score_label(search))
    if over == "trials":
        layout["xaxis"] |= _integers(0, max(0, len(trials) - 1))
    scores = [record.score for record in scored]
    shown, _ = history.limits(scores, search.direction)
    baselines, limits = history.baselines(records, *(shown or (min(scores, default=0.0), max(scores, default=0.0))))
    ends = [-0.5, len(trials) - 0.5] if over == "trials" else [0.0, max(x_of.values(), default=0.0)]
    for (score, label, is_near), dash in zip(baselines, ("dot", "dash"), strict=False):
        line = {**_line(label, [(end, score) for end in ends], "#666666"), "hoverinfo": "name+y"}
        line["line"] |= {"dash": dash}
        data.append(line if is_near else {**line, "visible": "legendonly"})
    if shown is not None:
        layout["yaxis"]["range"] = list(limits)
    return {"data": data, "layout": layout}


def plot_curves(search, records):
    """Return the chart of the learning curves; see `plots.plot_curves`."""
    name, curves = history.learning_curves(search, records)
    notes = _notes(search, records, [record for record, _ in curves])
    data = []
    for rank, ((record, curve), note) in enumerate(zip(curves, notes, strict=True)):
        is_coloured = rank < history.N_COLOURED
        points = [(epoch, value) for epoch, value in enumerate(curve, 1) if order.is_number(value)]
        line = _line(f"trial {record.number}", points, canvas.COLOURS[rank] if is_coloured else "#aaaaaa")
        if len(points) == 1:
            line["mode"] = "markers"  # A line needs two points.
        data.append({**line, "showlegend": is_coloured, "text": [note] * len(points), "hoverinfo": "x+y+text"})
    layout = _layout("epoch", name) | {"legend": {"orientation": "h", "y": -0.2, "traceorder": "reversed"}}
    layout["xaxis"] |= _integers(1, max((len(curve) for _, curve in curves), default=1))
    values = [value for _, curve in curves for value in curve if order.is_number(value)]
    shown, _ = history.limits(values, search.direction)
    if shown is not None:
        layout["yaxis"]["range"] = shown
    return {"data": data[::-1], "layout": layout}


def plot_parallel(search, records, shares=None):
    """Return the chart of the trials as lines through the values of their decisions; see `plots.plot_parallel`."""
    import numpy as np
    from matplotlib.colors import to_hex

    names = parallel.shown_decisions(search, records, shares)
    trials = order.comparable(records)
    infos = {info["name"]: info for info in search.space}
    scales = {name: parallel.Scale(infos[name], trials) for name in names}
    colours, heights = parallel.by_score(np.array([record.score for record in trials] or [0.0]), search.direction)
    data = []
    for record, note, colour, height in zip(trials, _notes(search, records, trials), colours, heights, strict=False):
        points = [*enumerate(scales[name].position(record.values.get(name)) for name in names)]
        line = _line(f"trial {record.number}", [*points, (len(names), float(height))], to_hex(colour))
        shown = [f"{name}: {text.shown(record.values[name])}" if name in record.values else "" for name in names]
        texts = [f"{html.escape(own)}<br>{note}" if own else note for own in [*shown, ""]]
        data.append({**line, "mode": "lines+markers", "text": texts, "hoverinfo": "text", "showlegend": False})
    labels = text.short_names(names)
    layout = _layout("", "")
    layout["xaxis"] |= {
        "tickvals": list(range(len(names) + 1)),
        "ticktext": [html.escape(labels[name]) for name in names] + [html.escape(search.objective)],
    }
    layout["yaxis"] |= {"showticklabels": False, "showgrid": False, "range": [parallel.BELOW - 0.08, 1.08]}
    layout["annotations"] = [
        {"x": position, "y": height, "text": html.escape(tick), "xanchor": "right", "xshift": -4, "showarrow": False}
        for position, name in enumerate(names)
        for height, tick in scales[name].ticks
    ]
    return {"data": data, "layout": layout}


def plot_pareto(board, front, objectives, constraints=None):
    """Return the chart of the trials by two objectives with the Pareto front; see `plots.plot_pareto`."""
    (high, high_direction), (wide, wide_direction) = objectives[:2]
    trials = board[(board.stage == Stage.SEARCH) & (board.status == Status.COMPLETED)]
    dominated, ordered = trials[~trials.trial_id.isin(front.trial_id)], front.sort_values(wide)
    data = []
    for name, rows, colour in (("dominated", dominated, "#aaaaaa"), ("Pareto front", ordered, canvas.BLUE)):
        points = [(float(x), float(y)) for x, y in zip(rows[wide], rows[high], strict=True)]
        notes = [
            _note([f"trial {trial_id}", f"{high} {y:.4g}", f"{wide} {x:.4g}"])
            for trial_id, (x, y) in zip(rows.trial_id, points, strict=True)
        ]
        data.append(_points(name, points, notes, colour))
    data[1] |= {"mode": "lines+markers", "line": {"shape": "hv" if wide_direction == "min" else "vh"}}
    layout = _layout(text.metric(wide, wide_direction), text.metric(high, high_direction))
    layout["shapes"] = [
        {"type": "line", "line": {"color": canvas.RED, "dash": "dash"}}
        | ({"x0": limit, "x1": limit, "yref": "paper", "y0": 0, "y1": 1} if name == wide
           else {"y0": limit, "y1": limit, "xref": "paper", "x0": 0, "x1": 1})
        for name, limit in (constraints or {}).items() if name in (wide, high)
    ]  # fmt: skip
    return {"data": data, "layout": layout}


def _layout(x_label, y_label):
    return {"xaxis": {"title": {"text": html.escape(x_label)}}, "yaxis": {"title": {"text": html.escape(y_label)}}}


def _integers(first, last):
    """Return an axis of the integers from `first` to `last`, of which up to ten have labels."""
    step = next(step for power in range(20) for step in (10**power, 2 * 10**power, 5 * 10**power)
                if 10 * step >= last - first)  # fmt: skip
    return {"range": [first - 0.5, last + 0.5], "tick0": 0, "dtick": step}


def _line(name, points, colour):
    x, y = [list(values) for values in zip(*points, strict=True)] if points else ([], [])
    return {"type": "scatter", "mode": "lines", "name": html.escape(name), "x": x, "y": y, "line": {"color": colour}}


def _points(name, points, notes, colour=canvas.SKY, symbol="circle"):
    marker = {"color": colour, "symbol": symbol, "size": 8}
    return {**_line(name, points, colour), "mode": "markers", "marker": marker, "text": notes, "hoverinfo": "text"}


def _notes(search, records, some):
    """Return the text of each record that is shown when the pointer is over its mark, as HTML."""
    default = order.default_architecture(records)
    notes = []
    for record in some:
        lines = [f"trial {record.number}"]
        if order.is_number(record.score):
            lines[0] += f", {search.objective} {record.score:.4g}"
        lines.append(text.duration(record.seconds))
        lines += text.architecture(record.values, 6, than=default).split(", ")
        lines.append(text.shortened(" ".join(record.message.split()), 100))
        notes.append(_note(lines))
    return notes


def _note(lines):
    return "<br>".join(html.escape(line) for line in lines if line)
