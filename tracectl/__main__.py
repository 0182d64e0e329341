"""``python -m tracectl``"""

import sys

from tracectl.cli.main import main

sys.exit(main())
