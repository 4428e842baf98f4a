from django.apps import AppConfig


class CoursesConfig(AppConfig):
    name = "tenant_apps.courses"
    label = "courses"
    verbose_name = "Courses"

    def ready(self) -> None:
        """Hear of people who left; imported here since models are not loaded before."""
        from tenant_apps.courses.services.departures import end_rights_of_departed
        from tenant_apps.people.services.departures import register_departure

        register_departure("courses.end_rights_of_departed", end_rights_of_departed)
