"""``python -m mex``."""

import sys

from mex.app.cli import main

sys.exit(main())
