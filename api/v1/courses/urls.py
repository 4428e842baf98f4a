"""Routes of the courses slice."""

from rest_framework.routers import SimpleRouter

from api.v1.courses.version_views import ModuleViewSet, VersionViewSet
from api.v1.courses.views import CourseViewSet
from api.v1.courses.views_catalogue import CatalogueViewSet, CourseLinkViewSet
from api.v1.courses.views_categories import CategoryViewSet
from api.v1.courses.views_diff import DiffViewSet
from api.v1.courses.views_folders import CourseImportViewSet, VersionExportViewSet
from api.v1.courses.views_instructors import CourseInstructorViewSet, InstructorViewSet
from api.v1.courses.views_lessons import LessonViewSet
from api.v1.courses.views_previews import PreviewViewSet
from api.v1.courses.views_resources import ResourceViewSet
from api.v1.courses.views_reviews import ReviewViewSet, VersionReviewViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("courses", CourseViewSet, basename="courses")
router.register("courses", CourseLinkViewSet, basename="course-links")
router.register("catalogue", CatalogueViewSet, basename="catalogue")
router.register("categories", CategoryViewSet, basename="categories")
router.register("versions", VersionViewSet, basename="versions")
router.register("versions", VersionExportViewSet, basename="version-exports")
router.register("courses/import", CourseImportViewSet, basename="course-imports")
router.register("versions/<uuid:version_id>/diff", DiffViewSet, basename="version-diff")
router.register("versions/<uuid:version_id>/reviews", VersionReviewViewSet, basename="version-reviews")
router.register("instructors", InstructorViewSet, basename="instructors")
router.register("courses/<uuid:course_id>", CourseInstructorViewSet, basename="course")
router.register("reviews", ReviewViewSet, basename="reviews")
router.register("versions/<uuid:version_id>/modules", ModuleViewSet, basename="version-modules")
router.register("versions/<uuid:version_id>/lessons", LessonViewSet, basename="version-lessons")
router.register(
    "versions/<uuid:version_id>/lessons/<uuid:lesson_id>/resources",
    ResourceViewSet,
    basename="lesson-resources",
)
router.register("courses/<uuid:course_id>/previews", PreviewViewSet, basename="course-previews")

urlpatterns = router.urls
