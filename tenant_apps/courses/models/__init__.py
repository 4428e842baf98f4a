"""What is taught: course, its versions, their modules and lessons; who makes it and how it is found."""

from tenant_apps.courses.models.authors import CourseInstructor, InstructorProfile
from tenant_apps.courses.models.catalogue import Category, CoursePrerequisite, CourseRelation, CourseVisit
from tenant_apps.courses.models.course import Course, CourseRight
from tenant_apps.courses.models.resource import LessonResource
from tenant_apps.courses.models.review import VersionReview
from tenant_apps.courses.models.structure import Lesson, Module
from tenant_apps.courses.models.text import LessonText, Translation, WorkingCopy
from tenant_apps.courses.models.version import CourseVersion

__all__ = [
    "Category",
    "Course",
    "CourseInstructor",
    "CoursePrerequisite",
    "CourseRelation",
    "CourseRight",
    "CourseVersion",
    "CourseVisit",
    "InstructorProfile",
    "Lesson",
    "LessonResource",
    "LessonText",
    "Module",
    "Translation",
    "VersionReview",
    "WorkingCopy",
]
