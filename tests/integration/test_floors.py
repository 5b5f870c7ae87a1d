"""The floors of the house: imports of `autonas` go down only."""

import ast
import graphlib
import pathlib

import autonas

#: From the top to the ground. Rooms of one floor don't import each other.
FLOORS = [
    {"__init__", "__main__"},
    {"testing"},
    {"cli"},
    {"estimators"},
    {"preparation"},
    {"search", "exports"},
    {"oracles", "evaluation", "execution", "reporting"},
    {"trials", "supernet"},
    {"objectives"},
    {"search_space", "prediction"},
    {"costs", "optimizers"},
    {"runtimes", "data"},
    {"storage", "backends", "arguments", "exceptions"},
]
#: Imports of `autonas` itself, for its public names, which are imported when they are used.
PUBLIC_NAMES = {"cli/options.py", "estimators/persistence.py"}
#: The only import that closes a circle, for a type: a head is a block, and a block knows the heads to which it leads.
MUTUAL = ("autonas.search_space.block", "autonas.search_space.heads")


def imported_names(path):
    """Return the full names that a module imports, in functions and for types, too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def imported_rooms(path):
    """Return the names of the rooms that a module imports from, `__init__` for the package itself."""
    parts = [name.split(".") for name in imported_names(path)]
    return {part[1] if len(part) > 1 else "__init__" for part in parts if part[0] == "autonas"}


def test_every_import_goes_to_a_lower_floor():
    folder = pathlib.Path(autonas.__file__).parent
    floor_of = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    wrong = []
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder)
        room = name.parts[0].removesuffix(".py")
        for imported in imported_rooms(path) - {room}:
            is_public = imported == "__init__" and name.as_posix() in PUBLIC_NAMES
            if not is_public and floor_of[imported] <= floor_of[room]:
                wrong.append(f"{name} imports {imported}")
    assert not wrong


def test_no_modules_import_each_other_in_a_circle():
    folder = pathlib.Path(autonas.__file__).parent
    paths = [path.relative_to(folder.parent) for path in folder.rglob("*.py")]
    modules = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    imports = {}
    for module, path in modules.items():
        names = imported_names(folder.parent / path)
        imported = [name if name in modules else name.rpartition(".")[0] for name in names]
        imports[module] = {name for name in imported if name in modules and (module, name) != MUTUAL} - {module}
    graphlib.TopologicalSorter(imports).prepare()  # The error of a circle names its modules.


def test_at_most_three_modules_stand_outside_of_a_room():
    folder = pathlib.Path(autonas.__file__).parent
    assert sorted(path.name for path in folder.glob("*.py")) == ["__init__.py", "__main__.py", "exceptions.py"]


def test_no_call_has_more_than_five_positional_arguments():
    folder = pathlib.Path(autonas.__file__).parent
    long = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and sum(not isinstance(value, ast.Starred) for value in node.args) > 5:
                long.append(f"{path.relative_to(folder)}:{node.lineno}")
    assert not long


#: Classes whose constructors may have more than eight parameters: estimators, public blocks, public strategies, and
#: records with one field for each key of a dict in JSON.
WIDE = {
    *("AutoModel", "ConvolutionBlock", "Convolution1DBlock", "HierarchicalBlock", "LayeredBlock", "ResidualBlock"),
    "GradientOracle",
    *("Result", "SearchInfo"),
}


def parameters_of(node):
    """Return the parameters of a class's own constructor, for a dataclass the fields that it takes there."""
    decorators = map(ast.unparse, node.decorator_list)
    if any("dataclass" in decorator for decorator in decorators):
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
        others = ("ClassVar", "init=False")
        return [field.target.id for field in fields if not any(word in ast.unparse(field) for word in others)]
    constructors = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
    parameters = [constructor.args for constructor in constructors]
    return [argument.arg for own in parameters for argument in [*own.args[1:], *own.posonlyargs, *own.kwonlyargs]]


def test_no_constructor_has_more_than_eight_parameters():
    folder = pathlib.Path(autonas.__file__).parent
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))]
    classes = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    assert {node.name for node in classes if len(parameters_of(node)) > 8} == WIDE
