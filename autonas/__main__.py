"""Makes `python -m autonas` the same as `autonas`."""

import sys

from autonas.cli.commands import main

sys.exit(main())
