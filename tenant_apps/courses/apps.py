from django.apps import AppConfig


class CoursesConfig(AppConfig):
    name = "tenant_apps.courses"
    label = "courses"
    verbose_name = "Courses"

    def ready(self) -> None:
        """Hear of people who left; imported here since models are not loaded before."""
        from shared_apps.outbox.types import register_handler
        from tenant_apps.courses.services.departures import MEMBER_REMOVED, end_rights_of_departed

        register_handler(MEMBER_REMOVED, end_rights_of_departed)
