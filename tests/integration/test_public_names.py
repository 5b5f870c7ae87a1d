"""A snapshot of the public names and their signatures, so that no change of these goes unnoticed.

After an intended change, update the snapshot from the root of the repository:

    python -m tests.integration.test_public_names
"""

import ast
import inspect
import pathlib
import re

import autonas
from tests.helpers.public_names import public_names

SNAPSHOT = pathlib.Path(__file__).with_name("public_names.txt")


def signature_of(value):
    """Return a signature without annotations, the same in every process and version of Python."""
    signature = inspect.signature(value)
    parameters = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    text = str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
    text = re.sub(r"<function (.+?) at 0x\w+>", r"\1", text)
    return re.sub(r"<class '(.+?)'>", r"\1", text)


def methods_of(kind, public):
    """Return the public methods by name that a class has from itself, and from bases that aren't public themselves."""
    own = [
        base for base in kind.__mro__ if base is kind or (base.__module__.startswith("autonas") and base not in public)
    ]
    return {
        name: getattr(kind, name)
        for base in own
        for name in vars(base)
        if not name.startswith(("_", "test_")) and callable(getattr(kind, name))
    }


def lines():
    """Return the lines of the snapshot: a name with its signature, base of an exception or type of a constant."""
    entries, names = [], public_names()
    public = {value for value in names.values() if inspect.isclass(value)}
    for name, value in names.items():
        if not callable(value):
            entries.append(f"{name}: {type(value).__name__}")
        elif inspect.isclass(value) and issubclass(value, BaseException):
            entries.append(f"{name}: {value.__base__.__name__}")
        else:
            entries.append(f"{name}: {signature_of(value)}")
            methods = methods_of(value, public) if inspect.isclass(value) else {}
            entries += [f"{name}.{key}: {signature_of(method)}" for key, method in methods.items()]
    return sorted(entries)


def test_the_public_names_and_signatures_are_those_of_the_snapshot():
    assert lines() == SNAPSHOT.read_text(encoding="utf-8").splitlines()


def test_packages_are_attributes_after_the_import_of_autonas():
    packages = ["execution", "exports", "objectives", "oracles", "reporting", "testing"]
    assert all(inspect.ismodule(getattr(autonas, package)) and package in dir(autonas) for package in packages)
    assert autonas.oracles.controllers.Reinforce and autonas.testing.oracles.OracleContract


def test_type_checkers_know_the_public_names():
    stub = ast.parse(pathlib.Path(autonas.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    names = {alias.asname: f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    assert names.keys() == set(autonas.__all__) - {"__version__"}
    for name, source in names.items():
        value = getattr(autonas, name)
        defined_in = value.__name__ if inspect.ismodule(value) else f"{value.__module__}.{value.__name__}"
        assert defined_in == source


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(lines()) + "\n", encoding="utf-8")
