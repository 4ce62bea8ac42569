"""``python -m mex``."""

import sys

from mex.cli import main

sys.exit(main())
