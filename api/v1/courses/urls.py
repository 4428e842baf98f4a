"""Routes of the courses slice."""

from rest_framework.routers import SimpleRouter

from api.v1.courses.version_views import LessonViewSet, ModuleViewSet, VersionViewSet
from api.v1.courses.views import CourseViewSet
from api.v1.courses.views_categories import CategoryViewSet
from api.v1.courses.views_diff import DiffViewSet
from api.v1.courses.views_instructors import CourseInstructorViewSet, InstructorViewSet
from api.v1.courses.views_reviews import ReviewViewSet, VersionReviewViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("courses", CourseViewSet, basename="courses")
router.register("categories", CategoryViewSet, basename="categories")
router.register("versions", VersionViewSet, basename="versions")
router.register("versions/<uuid:version_id>/diff", DiffViewSet, basename="version-diff")
router.register("versions/<uuid:version_id>/reviews", VersionReviewViewSet, basename="version-reviews")
router.register("instructors", InstructorViewSet, basename="instructors")
router.register("courses/<uuid:course_id>", CourseInstructorViewSet, basename="course")
router.register("reviews", ReviewViewSet, basename="reviews")
router.register("versions/<uuid:version_id>/modules", ModuleViewSet, basename="version-modules")
router.register("versions/<uuid:version_id>/lessons", LessonViewSet, basename="version-lessons")

urlpatterns = router.urls
