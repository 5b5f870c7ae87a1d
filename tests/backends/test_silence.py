"""Silence: nothing reaches standard error within it, and all of it after."""

import logging
import os

import pytest

from autonas.backends import silence


def test_what_is_written_past_python_is_not_shown(capfd):
    with silence.silent_stderr():
        os.write(2, b"compiled ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_notes_of_tensorflow_are_not_logged(caplog):
    logger = logging.getLogger("tensorflow")
    with caplog.at_level(logging.INFO, "tensorflow"):
        with silence.silent_stderr():
            logger.info("Assets written")
            logger.error("broken")
        logger.info("after")
    assert [record.message for record in caplog.records] == ["broken", "after"]


def test_standard_error_comes_back_after_an_error(capfd):
    with pytest.raises(ZeroDivisionError), silence.silent_stderr():
        raise ZeroDivisionError
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
