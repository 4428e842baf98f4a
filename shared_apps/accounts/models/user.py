"""The login identity, shared by all organizations a person belongs to."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models

from shared_apps.accounts.models.password import PasswordField
from shared_apps.core.models import Record
from shared_apps.core.text import normal_email


class UserManager(BaseUserManager["User"]):
    """What Django's commands call; the product makes users through accounts.services."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; without a password the account cannot be signed in to with one."""
        user = self.model(email=normal_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an operator of the platform (`manage.py createsuperuser`)."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(Record, AbstractBaseUser, PermissionsMixin):
    """Who signs in: one row per e-mail address, over all organizations.

    What a company knows of the person is the tenant's `people.Member`. `is_staff` marks operators of the
    platform and counts on the platform host only: no tenant policy reads it, or groups, or permissions here.
    """

    password = PasswordField("password", max_length=128)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(max_length=12, default="en")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    # Bumped when the password changes: every session and token made before stops working.
    sign_in_epoch = models.PositiveIntegerField(default=0)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        ordering = ("email",)

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """Return the display name, or the address."""
        return self.name or self.email
