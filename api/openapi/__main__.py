"""`python -m api.openapi` writes the two documents; `--check` fails when they differ from the code."""

import os
import sys

import django


def main() -> int:
    """Write or check both documents."""
    # Only here: what makes the documents loads the views, which need Django set up.
    from api.openapi.documents import DOCUMENTS, FOLDER, DocumentIncomplete, as_yaml

    checking = "--check" in sys.argv
    outdated = []
    for name in DOCUMENTS:
        target = FOLDER / f"{name}.yaml"
        try:
            text = as_yaml(name)
        except DocumentIncomplete as error:
            sys.stderr.write(f"The {name} document is incomplete:\n{error}\n")
            return 1
        if checking and (not target.exists() or target.read_text(encoding="utf-8") != text):
            outdated.append(target.name)
        elif not checking:
            target.write_text(text, encoding="utf-8")
    if outdated:
        sys.stderr.write(
            f"{', '.join(outdated)} differ from the code: run `make openapi`, read the diff, commit.\n"
        )
    return 1 if outdated else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    sys.exit(main())
