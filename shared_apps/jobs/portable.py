"""Jobs that are over travel as history; an open one would be run a second time."""

from shared_apps.core.portable import Belongs, PortableTable, declare_portable

declare_portable(
    PortableTable(
        "jobs_job",
        "organization_id = {organization} AND state IN ('succeeded', 'failed')",
        Belongs.HISTORY,
    )
)
