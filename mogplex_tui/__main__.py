"""Makes `python -m mogplex_tui` do the same as the command `mogplex-tui`."""

import sys

from mogplex_tui.cli import main

sys.exit(main())
