"""What can be wrong with course content, as facts; sentences for people are made by the caller."""

from dataclasses import dataclass


class ContentError(Exception):
    """Root of everything this package refuses. `code` is stable and safe to show to API clients."""

    code = "content_invalid"


class BodyTooLarge(ContentError):
    """A lesson body has more characters than we are ready to parse."""

    code = "body_too_large"

    def __init__(self, *, length: int, limit: int) -> None:
        self.length = length
        self.limit = limit
        super().__init__(f"{self.code}: length={length} limit={limit}")


class BodyTooComplex(ContentError):
    """A body holds so many tags that an HTML parser could be made to blow it up (see sanitize)."""

    code = "body_too_complex"

    def __init__(self, *, tags: int, limit: int) -> None:
        self.tags = tags
        self.limit = limit
        super().__init__(f"{self.code}: tags={tags} limit={limit}")


class AddressRefused(ContentError):
    """An address was refused. `rule` says which rule, `code` the same for API clients, `host` what was
    understood as the host."""

    def __init__(self, rule: str, *, host: str = "") -> None:
        self.rule = rule
        self.code = rule if rule.startswith("url_") else f"url_{rule}"
        self.host = host
        super().__init__(f"{self.code}: host={host!r}")


class EmbedNotAllowed(ContentError):
    """An embed address was refused. `code` says which rule, `host` what was understood as the host."""

    def __init__(self, code: str, *, host: str, allowed: tuple[str, ...]) -> None:
        self.code = code
        self.host = host
        self.allowed = allowed
        super().__init__(f"{code}: host={host!r} allowed={', '.join(allowed)}")


class BadAllowedHost(ContentError):
    """An entry of the allowed-host setting is not a host and not `*.host`; a fault of the operator."""

    code = "embed_allowed_host_invalid"

    def __init__(self, entry: str) -> None:
        self.entry = entry
        super().__init__(f"{self.code}: {entry!r}")


@dataclass(frozen=True, slots=True, order=True)
class SourceProblem:
    """One thing an author has to mend.

    `file` is relative to the course folder, `line` and `column` count from 1 (1, 1 when the file as a
    whole is meant), `code` is stable, `message` says what is wrong and `advice` what to do about it.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message} [{self.code}] {self.advice}"


class CourseFolderError(ContentError):
    """A course folder cannot be read. Holds every problem found, in order of file and line."""

    code = "course_folder_invalid"

    def __init__(self, problems: tuple[SourceProblem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))
