"""Normal forms of text that people type: one spelling for one e-mail address."""

import unicodedata


def normal_email(value: str) -> str:
    """Return the address trimmed, in Unicode NFKC, lower case: the form it is stored and compared in."""
    return unicodedata.normalize("NFKC", value.strip()).lower()
