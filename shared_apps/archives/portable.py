"""Tables of ours, of the registry and of libraries that stay where they are."""

from shared_apps.core.portable import declare_excluded

declare_excluded("names files that stay in the storage of this installation", "archives_archive")
declare_excluded(
    "the registry: an import makes its own rows from the facts in the archive's head",
    "tenants_organization",
    "tenants_domain",
    "tenants_domainclaim",
    "tenants_releasedname",
    "tenants_tenantschema",
    "tenants_migrationrun",
)
declare_excluded(
    "the same in every installation of one version, made by migrations",
    "django_migrations",
    "django_content_type",
    "auth_permission",
)
declare_excluded("about operators", "django_admin_log", "auth_group", "auth_group_permissions")
declare_excluded("secrets: sessions are good for the installation that gave them", "django_session")
