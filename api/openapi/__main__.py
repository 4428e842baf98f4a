"""`python -m api.openapi` writes the two documents; `--check` fails when they differ from the code."""

import os
import sys
from pathlib import Path

import django
from django.urls import set_urlconf
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema

FOLDER = Path(__file__).parent
DOCUMENTS = {
    "platform": ("api.urls_public", "Palaestra platform API"),
    "tenant": ("api.urls_tenant", "Palaestra tenant API"),
}


def make_document(name: str) -> str:
    """Return one document as YAML, validated against the OpenAPI specification.

    Args:
        name: "platform" or "tenant".
    """
    urlconf, title = DOCUMENTS[name]
    set_urlconf(urlconf)
    with patched_settings({"TITLE": title}):
        document = SchemaGenerator(urlconf=urlconf).get_schema(request=None, public=True)
        validate_schema(document)
        text: bytes = OpenApiYamlRenderer().render(document, renderer_context={})
        return text.decode()


def main() -> int:
    """Write or check both documents."""
    checking = "--check" in sys.argv
    outdated = []
    for name in DOCUMENTS:
        target, text = FOLDER / f"{name}.yaml", make_document(name)
        if checking and (not target.exists() or target.read_text(encoding="utf-8") != text):
            outdated.append(target.name)
        elif not checking:
            target.write_text(text, encoding="utf-8")
    if outdated:
        sys.stderr.write(f"{', '.join(outdated)} differ from the code: run `make openapi`, read the diff, commit.\n")
    return 1 if outdated else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    sys.exit(main())
