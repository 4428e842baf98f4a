from django.apps import AppConfig


class PathsConfig(AppConfig):
    name = "tenant_apps.paths"
    label = "paths"
    verbose_name = "Learning paths"

    def ready(self) -> None:
        """Hear of completed courses and of people who left; imported here since models are not loaded
        before."""
        from shared_apps.outbox.types import register_handler
        from tenant_apps.learning.services.lessons import COURSE_COMPLETED
        from tenant_apps.paths.services.departures import withdraw_departed
        from tenant_apps.paths.services.following import follow_course
        from tenant_apps.people.services.departures import register_departure

        register_handler(COURSE_COMPLETED, follow_course)
        register_departure("paths.withdraw_departed", withdraw_departed)
