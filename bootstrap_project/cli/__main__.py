"""`python -m bootstrap_project.cli`: the same program as `magistrala-cli`."""

import sys

from bootstrap_project.cli.main import main

sys.exit(main())
