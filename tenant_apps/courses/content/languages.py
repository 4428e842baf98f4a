"""Which of the languages something exists in is shown to whoever asked."""

from collections.abc import Collection, Sequence


def pick_language(asked: Sequence[str], available: Collection[str], *, own: str) -> str:
    """Return the language to show.

    Args:
        asked: BCP 47 tags, the best liked first; case does not count.
        available: the languages there are translations in.
        own: the language it was written in, which is shown when nothing asked for is there.

    A tag is met by itself, then by its shorter forms ("de-AT" by "de"), before the next one is tried.
    """
    there = {tag.lower(): tag for tag in (*available, own)}
    for tag in asked:
        parts = tag.lower().split("-")
        for length in range(len(parts), 0, -1):
            found = there.get("-".join(parts[:length]))
            if found is not None:
                return found
    return own
