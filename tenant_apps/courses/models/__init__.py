"""What is taught: course, its versions, their modules and lessons."""

from tenant_apps.courses.models.course import Course, CourseRight
from tenant_apps.courses.models.structure import Lesson, Module
from tenant_apps.courses.models.version import CourseVersion

__all__ = ["Course", "CourseRight", "CourseVersion", "Lesson", "Module"]
