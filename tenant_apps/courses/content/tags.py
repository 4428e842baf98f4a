"""One spelling for one tag."""

import unicodedata


def normal_tag(text: str) -> str:
    """Return the tag in NFKC, lower case, without leading "#" and with single spaces; "" for nothing left.

    "  #Machine  LEARNING" and "machine learning" are one tag.
    """
    spelled = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(spelled.lstrip("# \t\n").split())
