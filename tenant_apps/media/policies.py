"""Who may do what with files. Files are the library of those who make courses; a learner reaches the one
file of a lesson through a signed link that the lesson hands out."""

from django.db.models import QuerySet

from shared_apps.core.actors import ADMINS, STAFF, Actor, Role
from shared_apps.core.policies import Rule, declare, may
from tenant_apps.media.models import StoredFile

VIEW = declare(Rule("files.view", roles=STAFF))
UPLOAD = declare(Rule("files.upload", roles=ADMINS | {Role.INSTRUCTOR}))
# The signature in the address is the right: it names organization, file, member and end.
DOWNLOAD = declare(Rule("files.download", anyone=True))


def visible_files(actor: Actor) -> QuerySet[StoredFile]:
    """Return the files the actor may know of."""
    return StoredFile.objects.all() if may(actor, VIEW) else StoredFile.objects.none()
