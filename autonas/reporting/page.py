"""Components of self-contained HTML pages: plots, tables, and a style for light and dark mode."""

import base64
import html
import io
import json
import math
import warnings

import pandas

from autonas.reporting import plots
from autonas.reporting.text import number

#: Content security policy that forbids to load anything from outside, whatever the page contains.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --page: #f6f7f9; --card: #ffffff; --line: #dde1e6;
  --accent: #0072b2; --bad: #b3421b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4b0; --page: #14171a; --card: #1d2126;
  --line: #333a42; --accent: #56b4e9; --bad: #f0976c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 0 0 12px; }
h3 { font-size: 15px; margin: 14px 0 2px; }
p { margin: 0 0 8px; } .soft { color: var(--soft); } .bad { color: var(--bad); }
ul { margin: 0; padding-left: 20px; } li { overflow-wrap: anywhere; }
section, details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px;
  margin-top: 16px; }
summary { cursor: pointer; font-weight: 600; font-size: 18px; }
details > :not(summary) { margin-top: 12px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 28px; margin: 14px 0 0; }
.facts dt { color: var(--soft); font-size: 13px; } .facts dd { margin: 0; font-size: 20px; font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 16px; }
.pair section { margin-top: 0; } .pair { margin-top: 16px; }
.wide { overflow-x: auto; }
.wide img { display: block; max-width: 100%; height: auto; margin: 0 auto; background: #fff; border-radius: 6px;
  padding: 6px; }
@media (max-width: 700px) { .wide img.broad { max-width: none; width: 680px; } }
table { border-collapse: collapse; font-size: 13px; white-space: nowrap; }
th, td { padding: 4px 10px; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.long { white-space: normal; min-width: 240px; overflow-wrap: anywhere; }
thead th { position: sticky; top: 0; background: var(--card); }
.sortable th { cursor: pointer; } .sortable th::after { content: " \\2195"; color: var(--soft); font-weight: 400; }
.board { max-height: 640px; overflow: auto; }
"""

#: Script that sorts a table by the clicked column: numbers numerically, missing values last.
SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((heading, column) => {
    let rising = false;
    heading.addEventListener("click", () => {
      rising = !rising;
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const rows = Array.from(table.tBodies[0].rows);
      rows.sort((one, other) => {
        const [a, b] = [key(one), key(other)];
        if (a === "" || b === "") return (a === "") - (b === "");
        const difference = isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
        return rising ? difference : -difference;
      });
      table.tBodies[0].append(...rows);
    });
  });
}
"""


def picture(description, plot, *arguments, limit=1080):
    """Return a plot as an `<img>` with embedded SVG, whose text is drawn in the browser's fonts.

    Args:
        description: Alternative text of the image.
        plot: One of the `plot_...` functions of `plots`.
        *arguments: Arguments of `plot` except `axes`.
        limit: Maximum width in pixels. Defaults to 1080.
    """
    import matplotlib

    drawn = plots.figure(plot, *arguments)
    buffer = io.BytesIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": "autonas"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Glyphs missing in matplotlib's font are drawn by the browser.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        drawn.savefig(buffer, format="svg", metadata={"Date": None})
    width = round(min(limit, 96 * drawn.get_size_inches()[0]))
    source = base64.b64encode(buffer.getvalue()).decode()
    broad = ' class="broad"' if width > 680 else ""
    return (
        f'<div class="wide"><img{broad} width="{width}" alt="{html.escape(description)}" '
        f'src="data:image/svg+xml;base64,{source}"></div>'
    )


def chart(picture, figure):
    """Return an element that shows a picture until the script of `interactive` draws a chart in its place.

    Args:
        picture: HTML of the picture.
        figure: The chart, a JSON-like dict.
    """
    return f'<div class="chart" data-chart="{html.escape(json.dumps(figure))}">{picture}</div>'


def table(headings, rows, kind=""):
    """Return an HTML table.

    Args:
        headings: List of texts.
        rows: List of lists of values of any type. Missing values are empty, and floats are rounded.
        kind: CSS class of the table, such as `"sortable"`. Defaults to no class.
    """
    head = "".join(f"<th>{html.escape(str(heading))}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    mark = f' class="{kind}"' if kind else ""
    return f"<table{mark}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value):
    if value is None or value is pandas.NA or (isinstance(value, float) and math.isnan(value)):
        return '<td data-value=""></td>'
    if isinstance(value, bool):
        return f"<td>{'on' if value else 'off'}</td>"
    if isinstance(value, (int, float)):
        text = f"{value:,}" if isinstance(value, int) else number(value, 5)
        return f'<td class="number" data-value="{value!r}">{text}</td>'
    text = str(value)
    return f"<td{' class=long' if len(text) > 40 else ''}>{html.escape(text)}</td>"
