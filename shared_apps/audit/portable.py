"""The organization's part of the audit log travels with it."""

from shared_apps.core.portable import Belongs, PortableTable, declare_portable

declare_portable(PortableTable("audit_auditevent", "organization_id = {organization}", Belongs.HISTORY))
