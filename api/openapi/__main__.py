"""`python -m api.openapi` writes the two documents; `--check` fails when they differ from the code."""

import os
import sys
from pathlib import Path

import django
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

FOLDER = Path(__file__).parent


def as_yaml(name: str) -> str:
    """Return one document as YAML, validated against the OpenAPI specification.

    Args:
        name: "platform" or "tenant".
    """
    # Only here: the module loads the views, which need Django set up.
    from api.openapi.documents import make_document

    document = make_document(name)
    validate_schema(document)  # type: ignore[no-untyped-call]
    return str(OpenApiYamlRenderer().render(document, renderer_context={}).decode())


def main() -> int:
    """Write or check both documents."""
    checking = "--check" in sys.argv
    outdated = []
    for name in ("platform", "tenant"):
        target, text = FOLDER / f"{name}.yaml", as_yaml(name)
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
