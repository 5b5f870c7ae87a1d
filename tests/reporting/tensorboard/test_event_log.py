"""Event files: damaged ones are read as far as they are whole."""

import numpy as np

from autonas.reporting.tensorboard import event_log


def test_a_damaged_file_is_read_as_far_as_its_records_are_whole(tmp_path):
    run = event_log.Run(tmp_path)
    for step in range(10):
        run.write(step, event_log.scalars({"score": float(step), "seconds": 2.0 * step}))
    run.close()
    (path,) = tmp_path.iterdir()
    whole, expected = path.read_bytes(), [(event.step, value) for event, value in event_log.read(tmp_path)]
    assert len(expected) == 20
    generator = np.random.default_rng(0)
    for place in generator.choice(len(whole), 100, replace=False):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(generator.integers(8))
        for content in (bytes(flipped), whole[:place]):
            path.write_bytes(content)
            found = [(event.step, value) for event, value in event_log.read(tmp_path)]
            assert found == expected[: len(found)]
