"""A process that dies at a call of the file system, simulated in the process of the test."""

import builtins
import io
import os


class Killed(BaseException):
    """Raised in place of the end of the process: nothing catches it but the test."""


def kill(monkeypatch, number):
    """Let the process die at a call of the file system: neither this call nor any later one has an effect."""
    calls = iter(range(100_000))
    opened = builtins.open

    def dying(function):
        def call(*arguments, **keywords):
            if next(calls) >= number:
                raise Killed
            return function(*arguments, **keywords)

        return call

    def writing(file, mode="r", *arguments, **keywords):
        function = opened if mode in ("r", "rb") else dying(opened)
        return function(file, mode, *arguments, **keywords)

    for name in ("fsync", "makedirs", "mkdir", "remove", "rename", "replace", "rmdir", "unlink"):
        monkeypatch.setattr(os, name, dying(getattr(os, name)))
    monkeypatch.setattr(builtins, "open", writing)
    monkeypatch.setattr(io, "open", writing)
