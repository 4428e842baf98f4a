"""An archive of A, opened: nothing of B in any row or file."""

from pathlib import Path

import pytest
import zstandard
from django.core.management import call_command

from tests.isolation.stores import Watch, differences, holds
from tests.isolation.twins import MARK_A, Twins

pytestmark = [pytest.mark.feature("TEN-05"), pytest.mark.sweep]


def test_an_archive_holds_its_own_organization_alone(committed: None, twins: Twins, tmp_path: Path) -> None:
    watch = Watch(twins)
    before = watch.look()
    target = tmp_path / "acme.archive"
    call_command("export_organization", twins.a.organization.slug, "--to", str(target), verbosity=0)
    content = zstandard.ZstdDecompressor().decompressobj().decompress(target.read_bytes())
    assert MARK_A.encode() in content
    assert holds(content, twins.needles) is None
    assert differences(before, watch.look()) == []

    # And back, as a copy beside both: the other organization is as it was.
    call_command("restore_organization", archive=target, slug="acmecopy", verbosity=0)
    changed = differences(before, watch.look())
    assert [line for line in changed if not line.startswith("B's mark")] == []
