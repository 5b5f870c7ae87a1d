"""Pages and tables of the site that are made of the code and of the notebooks; MkDocs calls the functions `on_...`.

    python mkdocs_hooks.py

writes the tables that are made of the code into the pages of `docs`, where readers of the repository see them.
"""

import functools
import inspect
import json
import operator
import pathlib
import re

import nbconvert
from mkdocs.exceptions import PluginError
from mkdocs.structure import files as mkdocs_files

import autonas
from autonas import oracles
from autonas.preparation import combinations
from tests.helpers.public_names import public_names

ROOT = pathlib.Path(__file__).parent
TUTORIALS = ROOT / "tutorials"

#: Pages of the API reference: title, and a pattern of the module that defines a name, or of the name in a package.
REFERENCE = {
    "estimators": ("Estimators", r"autonas\.(estimators|exceptions)"),
    "blocks": ("Blocks", r"autonas\.search_space\.block"),
    "search_space": ("Search spaces", r"autonas\.search_space"),
    "oracles": ("Strategies", r"autonas\.oracles"),
    "objectives": ("Objectives and costs", r"autonas\.(objectives|costs)"),
    "execution": ("Executors", r"autonas\.execution"),
    "reporting": ("Callbacks and plots", r"autonas\.reporting"),
    "exports": ("Exports", r"autonas\.exports"),
    "testing": ("Contracts for tests", r"autonas\.testing"),
}


def on_files(files, config):
    """Add the tutorials, their pictures and the API reference to the pages of the site."""
    for path in sorted((TUTORIALS / "pictures").iterdir()):
        files.append(mkdocs_files.File.generated(config, f"tutorials/pictures/{path.name}", abs_src_path=str(path)))
    for path in sorted(TUTORIALS.glob("*.ipynb")):
        page, pictures = _tutorial(path)
        files.append(mkdocs_files.File.generated(config, f"tutorials/{path.stem}.md", content=page))
        for name, content in pictures.items():
            files.append(mkdocs_files.File.generated(config, f"tutorials/{name}", content=content))
    files.append(mkdocs_files.File.generated(config, "tutorials/index.md", content=_gallery()))
    for name, text in reference().items():
        files.append(mkdocs_files.File.generated(config, f"reference/{name}.md", content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Link the names in tables, include files, and make links to files beside `docs` links to pages of the site."""

    def table(found):
        text = TABLES[found["name"]]()
        if found[0] != _in_page(found["name"], text):
            raise PluginError(f"A table in {page.file.src_path} isn't that of the code: run `python mkdocs_hooks.py`.")
        return text

    markdown = _TABLE.sub(table, markdown)
    markdown = re.sub(r"<!-- file: (\S+) -->\n.*", lambda found: _included(found.group(1)), markdown)
    markdown = re.sub(r"\]\(\.\./tutorials/(\w+)\.ipynb\)", r"](tutorials/\1.md)", markdown)
    return markdown.replace("](../tutorials/pictures/", "](tutorials/pictures/")


#: A table that is made of the code, in a page.
_TABLE = re.compile(r"<!-- table: (?P<name>\w+) -->\n.*?<!-- end of table -->", re.DOTALL)


def _with_tables(markdown):
    """Return a page with its tables as the code is now."""
    return _TABLE.sub(lambda found: _in_page(found["name"], TABLES[found["name"]]()), markdown)


def _in_page(name, table):
    """Return a table as it stands in a page of the repository, without links to the pages of the site."""
    table = re.sub(r"\[([^]]*)\]\(reference/[^)]*\)", r"\1", table)
    return f"<!-- table: {name} -->\n\n{table}\n\n<!-- end of table -->"


def _included(name):
    return (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")


# ------------------------------------------------------------------ tutorials


def _cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@functools.cache
def _tutorial(path):
    """Return a notebook with its stored outputs as Markdown, and a dict from the name of a picture to its bytes."""
    exporter = nbconvert.MarkdownExporter()
    text, resources = exporter.from_filename(str(path), {"output_files_dir": f"{path.stem}_files"})
    text = re.sub(r"`?\b(\w+)\.ipynb`", lambda found: f"[{_title(found.group(1))}]({found.group(1)}.md)", text)
    return text.replace('<table border="1" class="dataframe">', "<table>"), resources["outputs"]


def _title(stem):
    return "".join(_cells(TUTORIALS / f"{stem}.ipynb")[0]["source"]).splitlines()[0].lstrip("# ")


def _gallery():
    """Return the page that lists the tutorials: title, contents and last picture of each notebook."""
    cards = []
    listed = re.findall(r"\((\w+)\.ipynb\) \| (.*) \|", (TUTORIALS / "README.md").read_text(encoding="utf-8"))
    for stem, summary in listed:
        pictures = sorted(_tutorial(TUTORIALS / f"{stem}.ipynb")[1])
        picture = f"    [![]({pictures[-1]})]({stem}.md)\n\n" if pictures else ""
        cards.append(f"-   **[{_title(stem)}]({stem}.md)**\n\n    {summary[0].upper()}{summary[1:]}\n\n{picture}")
    return _GALLERY + "\n".join(cards) + "\n</div>\n"


_GALLERY = """# Tutorials

Every tutorial is a notebook that runs in less than two minutes, on scikit-learn's data or generated data. The pages
show the outputs that are stored in the notebooks.

<div class="grid cards" markdown>

"""


# ------------------------------------------------------------------ reference


def reference():
    """Return a dict from the name of a page of the API reference to its Markdown."""
    pages = {name: [f"# {title}\n"] for name, (title, _) in REFERENCE.items()}
    written = set()
    # A name that is in `autonas` and in a package is described once.
    modules = {name: value.__module__ for name, value in public_names().items() if callable(value)}
    for public, module in sorted(modules.items(), key=lambda item: (item[0].count("."), item[0].lower())):
        place = public if public.count(".") > 1 else module
        page = next(name for name, (_, places) in REFERENCE.items() if re.match(places, place))
        name = public.rpartition(".")[2]
        if (module, name) in written:
            continue
        written.add((module, name))
        if public == "autonas.AutoModel":
            pages[page].insert(1, f"::: {public}\n    options:\n      inherited_members: true\n")
        else:
            # A function may have the name of its module.
            pages[page].append(f"::: {module}.{name}\n" if module == public else f"::: {public}\n")
    return {name: "\n".join(parts) for name, parts in pages.items()}


# ------------------------------------------------------------------ tables


def _table(head, rows):
    return "\n".join(["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]])


def _summary(value):
    """Return the first sentence of a docstring."""
    return re.split(r"\. (?=[A-Z])", " ".join(inspect.getdoc(value).split("\n\n")[0].split()))[0].rstrip(".")


def _of_page(page):
    """Return rows of the names of a page of the reference: a link and the first sentence of the docstring."""
    names = re.findall(r"^::: ([\w.]+)", reference()[page], re.MULTILINE)
    values = {name: operator.attrgetter(name.removeprefix("autonas."))(autonas) for name in names}
    return [
        [f"[`{name.rpartition('.')[2]}`](reference/{page}.md#{name})", _summary(value)]
        for name, value in values.items()
    ]


def _named(names, page="oracles"):
    return [
        [f'`"{name}"`', f"[`{value.__name__}`](reference/{page}.md#autonas.oracles.{value.__name__})", _summary(value)]
        for name, value in names.items()
    ]


def _presets():
    presets = json.loads((ROOT / "autonas" / "estimators" / "presets.json").read_text(encoding="utf-8"))
    return _table(
        ["`preset`", "`max_trials`", "epochs"],
        [
            [f'`"{name}"`', str(preset["max_trials"]), f"{preset['min_epochs']} to {preset['max_epochs']}"]
            for name, preset in presets.items()
        ],
    )


TABLES = {
    "blocks": lambda: _table(["block", ""], _of_page("blocks")),
    "combinations": combinations.table,
    "estimators": lambda: _table(
        ["class", ""], [row for row in _of_page("estimators") if not re.search("Warning|Failed", row[0])]
    ),
    "presets": _presets,
    "strategies": lambda: _table(["`strategy`", "oracle", ""], _named(oracles.STRATEGIES)),
}


if __name__ == "__main__":
    for path in sorted((ROOT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if _with_tables(text) != text:
            path.write_text(_with_tables(text), encoding="utf-8")
