"""Settings of a process that a test of the migrator starts: the scratch migrations of one app besides."""

import os

from config.settings.test import *  # noqa: F403  settings modules build on each other
from config.settings.test import MIGRATION_MODULES as _MODULES

MIGRATION_MODULES = {**_MODULES, "rosters": os.environ["SCRATCH_ROSTERS"]}
