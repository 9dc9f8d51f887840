"""``python -m wengert.cli``."""

import sys

from wengert.cli.main import main

sys.exit(main())
