"""Settings of a process that a test of the migrator starts: the scratch migrations of one app besides."""

import os

from config.settings.test import *  # noqa: F403  settings modules build on each other
from config.settings.test import MIGRATION_MODULES

MIGRATION_MODULES = {**MIGRATION_MODULES, "rosters": os.environ["SCRATCH_ROSTERS"]}  # type: ignore[dict-item]
