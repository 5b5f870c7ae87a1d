"""Event files of TensorBoard, written and read without TensorFlow."""

import os
import socket
import struct
import time

from google.protobuf import message
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow
from tensorboard.plugins.custom_scalar import metadata as custom_scalar_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.text import summary_v2 as text_summary
from tensorboard.summary.writer.record_writer import RecordWriter

#: What TensorBoard takes for an event file: it reads those of a run in the order of their names.
_PREFIX = "events.out.tfevents."


#: Bytes of the largest records whose checksums are compared.
_LARGEST_CHECKED = 10_000


class Run:
    """One run of the log: a folder, and the event file that this process adds to it.

    Args:
        directory: `pathlib.Path` of the folder, which is made if need be.
        replaces: Whether what is in the folder already is void. Defaults to `False`.
    """

    def __init__(self, directory, replaces=False):
        directory.mkdir(parents=True, exist_ok=True)
        name = f"{_PREFIX}{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self._writer = RecordWriter((directory / name).open("wb"))
        self._n_bytes = 0
        self._add(file_version="brain.Event:2")
        if replaces:
            # From the second such event of a run on, TensorBoard takes what came before it as void.
            self._add(step=0, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
        self.flushed = time.monotonic()

    def write(self, step, values):
        """Adds a point to each of some tags.

        Args:
            step: Where the point is on the axis of steps. TensorBoard forgets the points of a tag from this step on.
            values: List of `Summary.Value`s.
        """
        self._add(step=step, summary=summary_pb2.Summary(value=values))

    def flush(self):
        """Makes all of it visible to TensorBoard."""
        self._writer.flush()
        self.flushed = time.monotonic()

    def close(self):
        """Closes the file and returns how many bytes it has."""
        self._writer.close()
        return self._n_bytes

    def _add(self, **fields):
        content = event_pb2.Event(wall_time=time.time(), **fields).SerializeToString()
        self._writer.write(content)
        self._n_bytes += len(content) + 16


def replace(path, points):
    """Writes an event file with nothing but some points, in the place of an earlier one.

    Args:
        path: `pathlib.Path` of the file.
        points: List of pairs of a step and a list of `Summary.Value`s.

    Returns:
        Size of the file in bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.parent / f".unfinished.{os.getpid()}"
    writer = RecordWriter(unfinished.open("wb"))
    events = [{"step": step, "summary": summary_pb2.Summary(value=values)} for step, values in points]
    for fields in ({"file_version": "brain.Event:2"}, *events):
        writer.write(event_pb2.Event(wall_time=time.time(), **fields).SerializeToString())
    writer.close()
    os.replace(unfinished, path)
    return path.stat().st_size


def configuration_path(directory):
    """The event file of a run for the columns of HParams. TensorBoard reads this file before the others."""
    return directory / f"{_PREFIX}0.configuration"


def last_file(directory, name):
    """An event file of a run that `replace` writes. TensorBoard reads it after the others, so that a restart that
    another file begins with doesn't erase it."""
    return directory / f"{_PREFIX}{name}"


def read(directory):
    """Returns pairs of the event and a value of it, a `Summary.Value`, of all that a run holds already.

    As TensorBoard does, it reads a file as far as its records are whole.
    """
    found = []
    for path in sorted(directory.glob(f"{_PREFIX}*")):
        data, position = path.read_bytes(), 0
        while position + 12 <= len(data):
            # A record: length (8 bytes), its checksum (4), the event, its checksum (4).
            (length,) = struct.unpack_from("<Q", data, position)
            content = data[position + 12 : position + 12 + length]
            position += 16 + length
            # The checksum of a picture isn't computed, which takes long and tells nothing of the numbers.
            is_large = length > _LARGEST_CHECKED
            if position > len(data) or not is_large and _checksum(content) != data[position - 4 : position]:
                break  # Cut off when the earlier process was killed, or damaged.
            try:
                event = event_pb2.Event.FromString(content)
            except message.DecodeError:
                break
            found += [(event, value) for value in event.summary.value]
    return found


def _checksum(content):
    return struct.pack("<I", pywrap_tensorflow.masked_crc32c(content))


def scalars(numbers):
    """Returns a `Summary.Value` for each number of a dict that isn't `None`, by its tag."""
    return [
        summary_pb2.Summary.Value(tag=tag, simple_value=number) for tag, number in numbers.items() if number is not None
    ]


def text(tag, markdown):
    """Returns the `Summary.Value` of a text in Markdown."""
    return text_summary.text_pb(tag, markdown).value[0]


def image(tag, png, width, height):
    """Returns the `Summary.Value` of a picture.

    Args:
        tag: Its tag.
        png: Bytes of a PNG file.
        width: Its width in pixels.
        height: Its height in pixels.
    """
    metadata = image_metadata.create_summary_metadata(display_name=None, description="")
    return value(tag, _strings([str(width).encode(), str(height).encode(), png]), metadata)


def layout(charts):
    """Returns the `Summary.Value` of a layout of the page of custom scalars, a `layout_pb2.Layout`."""
    tag = custom_scalar_metadata.CONFIG_SUMMARY_TAG
    return value(tag, _strings(charts.SerializeToString()), custom_scalar_metadata.create_summary_metadata())


def value(tag, tensor, metadata):
    """Returns the `Summary.Value` of a tensor for the plugin that its metadata names."""
    return summary_pb2.Summary.Value(tag=tag, metadata=metadata, tensor=tensor)


def _strings(content):
    is_list = isinstance(content, list)
    shape = [tensor_shape_pb2.TensorShapeProto.Dim(size=len(content))] if is_list else []
    return tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING,
        tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=shape),
        string_val=content if is_list else [content],
    )
