"""Three tables shaped like learner, course and enrollment."""

from typing import ClassVar

from django.db import models


class Learner(models.Model):
    """Somebody who learns."""

    name = models.CharField(max_length=100)

    objects: ClassVar[models.Manager["Learner"]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Course(models.Model):
    """A course with a few facts."""

    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=1000)
    lesson_count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.title


class Enrollment(models.Model):
    """A learner in a course."""

    learner_id: int
    course_id: int

    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="enrollments")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="+")
    completed_count = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.learner_id} in {self.course_id}"
