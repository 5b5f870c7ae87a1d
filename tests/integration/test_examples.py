"""The docstring of every public class and function has an example, and the examples run."""

import inspect
import re

import pytest

from tests.helpers.public_names import public_names

EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
CALLABLES = {name: value for name, value in public_names().items() if callable(value)}


def examples_of(name):
    return EXAMPLE.findall(inspect.cleandoc(CALLABLES[name].__doc__ or ""))


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_the_docstring_has_an_example_that_runs(name, folder):
    examples = examples_of(name)
    assert examples, f"The docstring of {name} needs an example: a block that begins with ```python."
    names = {"__name__": "example"}
    for example in examples:
        exec(compile(example, f"<example of {name}>", "exec"), names)
