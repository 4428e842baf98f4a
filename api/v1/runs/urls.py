"""Routes of the runs slice."""

from rest_framework.routers import SimpleRouter

from api.v1.runs.views import CourseRunViewSet, RunViewSet
from api.v1.runs.views_enrollments import CourseJoinViewSet, EnrollmentViewSet, RunEnrollmentViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("runs", RunViewSet, basename="runs")
router.register("enrollments", EnrollmentViewSet, basename="enrollments")
router.register("courses", CourseRunViewSet, basename="courses")

# A router of its own: the operations are called as those of the run's other views.
entries = SimpleRouter(trailing_slash=False, use_regex_path=False)
entries.register("runs", RunEnrollmentViewSet, basename="runs")
entries.register("courses", CourseJoinViewSet, basename="courses")

urlpatterns = [*router.urls, *entries.urls]
