"""``python -m sklearn_mmg``."""

import sys

from sklearn_mmg.cli import main

if __name__ == "__main__":
    sys.exit(main())
