"""`python -m mogplex_tui` is the same as `mogplex-tui`."""

import sys

from mogplex_tui.cli import main

sys.exit(main())
