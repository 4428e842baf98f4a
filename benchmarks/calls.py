"""The prepared requests of each call that is measured."""

from benchmarks.bare.tables import LEARNERS
from benchmarks.dataset import Academy, Size, fresh_completions, fresh_enrollments
from benchmarks.load import Requests, render


def learner_requests() -> Requests:
    """Return a request of each learner of the bare reference."""
    return Requests(
        render("GET", f"/learners/{number}", {"Host": "localhost"}) for number in range(1, LEARNERS + 1)
    )


def _headers(academy: Academy, token: str) -> dict[str, str]:
    return {"Host": academy.host, "Authorization": f"Bearer {token}", "Accept": "application/json"}


def my_courses(academy: Academy) -> Requests:
    """Return the request of each learner for their courses."""
    return Requests(
        render("GET", "/api/v1/my-courses", _headers(academy, token)) for token in academy.learner_tokens
    )


def course_tree(academy: Academy) -> Requests:
    """Return a request for each enrollment's tree, neighbours by different learners."""
    each = len(academy.enrollments) // len(academy.learner_tokens)
    ordered = [
        academy.enrollments[place]
        for start in range(each)
        for place in range(start, len(academy.enrollments), each)
    ]
    return Requests(
        render(
            "GET", f"/api/v1/my-courses/{enrollment_id}", _headers(academy, academy.learner_tokens[learner])
        )
        for learner, enrollment_id, _ in ordered
    )


def completions(academy: Academy, size: Size, number: int) -> Requests:
    """Return requests that each complete another lesson."""
    return Requests(
        (
            render(
                "POST",
                f"/api/v1/my-courses/{enrollment_id}/lessons/{lesson_id}/complete",
                _headers(academy, token),
            )
            for token, enrollment_id, lesson_id in fresh_completions(academy, size, number)
        ),
        repeatable=False,
    )


def enrollments(academy: Academy, number: int) -> Requests:
    """Return requests that each enrol somebody where they are not yet."""
    return Requests(
        (
            render(
                "POST",
                f"/api/v1/runs/{run_id}/enrollments",
                _headers(academy, token),
                {"member_id": str(member_id)},
            )
            for token, run_id, member_id in fresh_enrollments(academy, number)
        ),
        repeatable=False,
    )
