"""Writing and reading of TensorBoard's event files without TensorFlow."""

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

#: Prefix of the names of event files. TensorBoard reads the event files of a run in the order of their names.
_PREFIX = "events.out.tfevents."

#: Maximum size in bytes of records whose checksums are verified.
_LARGEST_CHECKED = 10_000


class Run:
    """A run of the log: a folder with a new event file of this process.

    Args:
        directory: `pathlib.Path` of the folder, which is created if necessary.
        replaces: Whether TensorBoard should discard earlier events of the run. Defaults to `False`.
    """

    def __init__(self, directory, replaces=False):
        directory.mkdir(parents=True, exist_ok=True)
        name = f"{_PREFIX}{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self._writer = RecordWriter((directory / name).open("wb"))
        self._n_bytes = 0
        self._add(file_version="brain.Event:2")
        if replaces:
            self.restart()
        self.flushed = time.monotonic()

    def restart(self):
        """Let TensorBoard discard the events before; from the second restart of a run on, it does.

        Its faster reader discards the points of a tag from the step of a next point on instead: begin with step 0.
        """
        self._add(step=0, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))

    def write(self, step, values):
        """Add a point to one or more tags.

        Args:
            step: Step of the point. TensorBoard discards earlier points of the tag from this step on.
            values: List of `Summary.Value`s, one per tag.
        """
        self._add(step=step, summary=summary_pb2.Summary(value=values))

    def flush(self):
        """Write buffered events to the file, so that TensorBoard can read them."""
        self._writer.flush()
        self.flushed = time.monotonic()

    def close(self):
        """Close the file and return its size in bytes."""
        self._writer.close()
        return self._n_bytes

    def _add(self, **fields):
        content = event_pb2.Event(wall_time=time.time(), **fields).SerializeToString()
        self._writer.write(content)
        self._n_bytes += len(content) + 16


def replace(path, points):
    """Write an event file with the given points only, and replace an earlier file.

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
    """Return the path of a run's event file with the columns of HParams, which TensorBoard reads first."""
    return directory / f"{_PREFIX}0.configuration"


def last_file(directory, name):
    """Return the path of a run's event file that TensorBoard reads last, for `replace`.

    A START event at the beginning of another file therefore doesn't discard its events.
    """
    return directory / f"{_PREFIX}{name}"


def read(directory):
    """Return the values in the event files of a run, a list of pairs of an event and a `Summary.Value`.

    Each file is read up to the first incomplete record, as TensorBoard does.
    """
    pairs = []
    for path in sorted(directory.glob(f"{_PREFIX}*")):
        data, position = path.read_bytes(), 0
        while position + 12 <= len(data):
            # A record: length (8 bytes), its checksum (4), the event, its checksum (4).
            (length,) = struct.unpack_from("<Q", data, position)
            content = data[position + 12 : position + 12 + length]
            position += 16 + length
            # The checksums of images aren't verified, since this takes long and only scalars are needed.
            is_large = length > _LARGEST_CHECKED
            if position > len(data) or not is_large and _checksum(content) != data[position - 4 : position]:
                break  # The record is incomplete because a process was killed, or it is damaged.
            try:
                event = event_pb2.Event.FromString(content)
            except message.DecodeError:
                break
            pairs += [(event, value) for value in event.summary.value]
    return pairs


def _checksum(content):
    return struct.pack("<I", pywrap_tensorflow.masked_crc32c(content))


def scalars(numbers):
    """Return a list of one `Summary.Value` per number of a dict by tag, without numbers that are `None`."""
    return [
        summary_pb2.Summary.Value(tag=tag, simple_value=number) for tag, number in numbers.items() if number is not None
    ]


def text(tag, markdown):
    """Return the `Summary.Value` of a text in Markdown."""
    return text_summary.text_pb(tag, markdown).value[0]


def image(tag, png, width, height):
    """Return the `Summary.Value` of an image.

    Args:
        tag: Tag of the image.
        png: Bytes of a PNG file.
        width: Width in pixels.
        height: Height in pixels.
    """
    metadata = image_metadata.create_summary_metadata(display_name=None, description="")
    return value(tag, _strings([str(width).encode(), str(height).encode(), png]), metadata)


def layout(charts):
    """Return the `Summary.Value` of a layout of the custom scalars, a `layout_pb2.Layout`."""
    tag = custom_scalar_metadata.CONFIG_SUMMARY_TAG
    return value(tag, _strings(charts.SerializeToString()), custom_scalar_metadata.create_summary_metadata())


def value(tag, tensor, metadata):
    """Return the `Summary.Value` of a tensor for the plugin that `metadata` names."""
    return summary_pb2.Summary.Value(tag=tag, metadata=metadata, tensor=tensor)


def _strings(content):
    is_list = isinstance(content, list)
    shape = [tensor_shape_pb2.TensorShapeProto.Dim(size=len(content))] if is_list else []
    return tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING,
        tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=shape),
        string_val=content if is_list else [content],
    )
