"""Manifests: the data files of a folder are replaced all at once, whatever happens to the process."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import pytest

from autonas import storage

pytestmark = pytest.mark.usefixtures("folder")


def manifest(folder="saved"):
    return storage.Manifest(folder, "state.json", ["words.txt", "numbers.txt"])


def write(number, **options):
    """Save a number in each of the files."""
    writers = {name: lambda path: pathlib.Path(path).write_text(f"{number}") for name in ("words.txt", "numbers.txt")}
    manifest(**options).write({"number": number}, writers)


def read():
    """Return the number of a folder, all of whose files are of the same save."""
    content = manifest().read()
    assert {pathlib.Path(path).read_text() for path in manifest().paths(content).values()} == {f"{content['number']}"}
    return content["number"]


def test_a_save_over_another_replaces_its_files_and_no_others():
    pathlib.Path("saved").mkdir()
    others = {"notes.txt": "mine", "words.txt": "mine", "words-0123456789abcdef.txt": "mine"}
    for name, text in others.items():
        pathlib.Path("saved", name).write_text(text)
    write(1)
    write(2)
    assert read() == 2
    assert len(os.listdir("saved")) == 3 + len(others)
    assert all(pathlib.Path("saved", name).read_text() == text for name, text in others.items())


#: Saves numbers in processes that end at one call of the file system after the other, and prints what is there then.
ENDING = """
import builtins, json, os, pathlib
from autonas import storage

def ending(function, number, calls=iter(range(10_000))):
    def call(*arguments, **keywords):
        if next(calls) == number:
            os._exit(9)  # Neither handlers nor buffers are run.
        return function(*arguments, **keywords)
    return call

def write(number):
    writers = {name: lambda path: pathlib.Path(path).write_text(f"{number}") for name in ("words.txt", "numbers.txt")}
    manifest.write({"number": number}, writers)

manifest = storage.Manifest("saved", "state.json", ["words.txt", "numbers.txt"])
write(0)
read, ended = [], 9
while ended:
    process = os.fork()
    if process == 0:
        for module, names in ((os, ("fsync", "replace", "remove", "open")), (builtins, ("open",))):
            for name in names:
                setattr(module, name, ending(getattr(module, name), len(read)))
        write(len(read) + 1)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    content = manifest.read()
    numbers = {int(pathlib.Path(path).read_text()) for path in manifest.paths(content).values()}
    assert numbers == {content["number"]}, (numbers, content)
    read.append(content["number"])
print(json.dumps(read))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This operating system has no fork.")
def test_a_process_that_ends_at_any_call_of_the_file_system_leaves_the_old_files_or_the_new():
    finished = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    read_after_calls = json.loads(finished.stdout)
    n_old = read_after_calls.count(0)
    # Until the manifest is replaced, all processes leave the first files; each later one the files that it saved.
    assert n_old >= 10
    assert read_after_calls == [0] * n_old + list(range(n_old + 1, len(read_after_calls) + 1))


def test_a_full_disk_leaves_the_old_files_and_nothing_of_the_new():
    write(1)
    before = sorted(os.listdir("saved"))

    def full(path):
        pathlib.Path(path).write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device: 'saved/numbers-.*txt'"):
        manifest().write({}, {"words.txt": lambda path: pathlib.Path(path).write_text(""), "numbers.txt": full})
    assert sorted(os.listdir("saved")) == before and read() == 1


def test_an_interrupt_after_the_new_manifest_is_there_keeps_its_files(monkeypatch):
    write(1)

    def interrupt(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(storage.atomic, "sync_folder", interrupt)
        write(2)
    assert read() == 2


def test_a_file_of_the_manifests_name_that_is_none_is_not_replaced():
    pathlib.Path("saved").mkdir()
    for content in ("", '{"mine": 1}', '{"version": "mine"}', "[1]"):
        pathlib.Path("saved/state.json").write_text(content)
        with pytest.raises(ValueError, match="must not contain a file 'state.json' that autonas didn't write"):
            write(1)
        assert pathlib.Path("saved/state.json").read_text() == content
    os.remove("saved/state.json")
    pathlib.Path("target.json").write_text('{"version": 2, "number": 0}')
    os.symlink("../target.json", "saved/state.json")
    with pytest.raises(ValueError, match="must not contain a file 'state.json' that autonas didn't write"):
        write(1)
    assert sorted(os.listdir("saved")) == ["state.json"]


def test_a_damaged_manifest_is_replaced():
    write(1)
    whole = pathlib.Path("saved/state.json").read_text()
    pathlib.Path("saved/state.json").write_text(whole[: len(whole) // 2])
    write(2)
    assert read() == 2


def sign(content):
    """Write a manifest with a checksum that is right."""
    signed = content | {"sha256": hashlib.sha256(json.dumps(content).encode()).hexdigest()}
    pathlib.Path("saved/state.json").write_text(json.dumps(signed))


@pytest.mark.parametrize("change", [{"id": "/../../mine"}, {"files": {"../mine.txt": {}}}, {"files": {"mine.txt": {}}}])
def test_only_files_of_its_own_are_removed_whatever_the_earlier_manifest_says(change):
    write(1)
    for path in ("mine.txt", "saved/mine.txt"):
        pathlib.Path(path).write_text("mine")
    sign(manifest().read() | change)
    write(2)
    assert read() == 2
    assert pathlib.Path("mine.txt").read_text() == pathlib.Path("saved/mine.txt").read_text() == "mine"


def test_a_link_in_the_place_of_a_data_file_stays_with_its_target():
    write(1)
    path = pathlib.Path(manifest().paths(manifest().read())["words.txt"])
    path.rename("mine.txt")
    path.symlink_to("../mine.txt")
    write(2)
    assert read() == 2 and path.is_symlink() and pathlib.Path("mine.txt").read_text() == "1"


@pytest.mark.parametrize(
    "name", ["../words.txt", "/etc/passwd", "sub/words-{id}.txt", "words-0123456789abcdef.txt", "words.txt"]
)
def test_a_name_that_leaves_the_folder_is_refused(name):
    write(1)
    content = manifest().read()
    content["files"]["words.txt"]["name"] = name.format(id=content["id"])
    sign(content)
    with pytest.raises(storage.DamagedFile, match="state.json is damaged: .*`files.words.txt.name` must be 'words-"):
        read()
    content["id"] = "../../words"
    content["files"]["words.txt"]["name"] = "words-../../words.txt"
    sign(content)
    with pytest.raises(storage.DamagedFile, match="`id` must be 16 hexadecimal digits"):
        read()


@pytest.mark.parametrize("version", [0, 3, 99])
def test_other_versions_are_refused(version):
    write(1)
    sign(manifest().read() | {"version": version})
    with pytest.raises(ValueError, match=f"state.json has version {version}, and this autonas reads versions 1 to 2"):
        read()


def test_files_of_the_first_layout_are_read_and_replaced():
    pathlib.Path("saved").mkdir()
    for name in ("words.txt", "numbers.txt"):
        pathlib.Path("saved", name).write_text("1")
    pathlib.Path("saved/state.json").write_text('{"version": 1, "number": 1}')
    assert read() == 1
    write(2)
    assert read() == 2 and len(os.listdir("saved")) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda path: path.write_text("3"),
            r"words-\w+.txt is damaged: its content differs from the checksum in state.json",
        ),
        (
            lambda path: path.write_text(""),
            r"words-\w+.txt is damaged: its content differs from the checksum in state.json",
        ),
        (lambda path: path.unlink(), r"words-\w+.txt is damaged: it is missing"),
        (lambda path: path.rename("elsewhere") and path.symlink_to("../elsewhere"), "words-.* must be a regular file"),
    ],
)
def test_a_file_that_changed_is_named(change, message):
    write(1)
    change(pathlib.Path(manifest().paths(manifest().read())["words.txt"]))
    with pytest.raises(ValueError, match=message):
        read()
