"""Makes `python -m autonas` the same as `autonas`."""

import sys

from autonas.cli import main

sys.exit(main())
