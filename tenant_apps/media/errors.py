"""Refusals of files."""

from shared_apps.core.errors import DomainError, Forbidden, InvalidInput, Kind


class FileNameRefused(InvalidInput):
    """The name is empty, too long, or would be a path."""

    code = "file_name_refused"
    title = "The file's name was not accepted."
    advice = "Send a plain name of up to 200 characters, without slashes or control characters."


class FileEmpty(InvalidInput):
    """No bytes."""

    code = "file_empty"
    title = "The file is empty."


class FileTooLarge(DomainError):
    """More bytes than we take; `limit_bytes` says how many that is."""

    code = "file_too_large"
    kind = Kind.TOO_LARGE
    title = "The file is too large."
    advice = "Send at most `limit_bytes` bytes."


class FileTypeRefused(DomainError):
    """The extension is not on the list, or the bytes are of another type."""

    code = "file_type_refused"
    kind = Kind.UNSUPPORTED
    title = "Files of this type are not taken."
    advice = "Send a file of a type in `allowed`, with the extension that fits its content."


class LinkExpired(Forbidden):
    """The download link was good once."""

    code = "link_expired"
    title = "The link has expired."
    advice = "Ask for a new one where you found it; links are good for five minutes."
