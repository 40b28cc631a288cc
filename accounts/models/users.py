from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.domain.contacts import Channel, Contact
from accounts.domain.passwords import normalized
from accounts.domain.permissions import staff_may
from accounts.domain.states import Role
from accounts.models.operators import Operator
from csms.common.fields import EncryptedTextField
from csms.common.state_names import choices


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())

    def create_user(self, email: str | None, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower() if email else None, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, role=Role.SUPERADMIN, **fields)


class User(AbstractBaseUser):
    """A driver or a member of staff; what staff may do stands in `accounts.domain.permissions`."""

    # In lower case, so that the unique index finds it and no other spelling is another person.
    email = models.EmailField(_("e-mail"), unique=True, null=True, blank=True)
    phone = EncryptedTextField(_("phone"), blank=True, default="")
    phone_digest = models.CharField(
        max_length=64, unique=True, null=True, blank=True, editable=False
    )
    email_verified_at = models.DateTimeField(_("e-mail verified"), null=True, blank=True)
    phone_verified_at = models.DateTimeField(_("phone verified"), null=True, blank=True)
    is_external = models.BooleanField(
        _("signs in with another account"), default=False, db_default=False, editable=False
    )
    display_name = models.CharField(_("name"), max_length=200, blank=True)
    role = models.CharField(
        _("role"),
        max_length=10,
        choices=choices(Role),
        default=Role.DRIVER.value,
    )
    operators = models.ManyToManyField(
        Operator,
        blank=True,
        related_name="staff",
        verbose_name=_("operators"),
        help_text=_("The operators that a member of staff works for."),
    )
    language = models.CharField(
        _("language"), max_length=2, choices=[("th", "ไทย"), ("en", "English")], default="th"
    )
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), auto_now_add=True)
    anonymised_at = models.DateTimeField(_("account closed"), null=True, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(email__isnull=False)
                | Q(phone_digest__isnull=False)
                | Q(is_external=True)
                | Q(anonymised_at__isnull=False),
                name="user_can_be_reached",
            ),
            models.CheckConstraint(
                condition=Q(anonymised_at__isnull=True)
                | Q(
                    email__isnull=True,
                    phone_digest__isnull=True,
                    phone="",
                    display_name="",
                    is_external=False,
                    is_active=False,
                ),
                name="user_anonymised_is_nobody",
            ),
            models.CheckConstraint(
                condition=Q(role=Role.DRIVER) | Q(email__isnull=False), name="staff_has_email"
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
            models.CheckConstraint(
                condition=Q(role__in=[r.value for r in Role]), name="user_role_known"
            ),
        ]

    def __str__(self) -> str:
        shown = Contact(Channel.SMS, self.phone).hint if self.phone else f"#{self.pk}"
        return self.display_name or self.email or shown

    @property
    def is_staff(self) -> bool:
        return self.role in (Role.STAFF, Role.SUPERADMIN)

    @property
    def is_superuser(self) -> bool:
        return self.role == Role.SUPERADMIN

    @property
    def audit_label(self) -> str:
        return self.email or f"user:{self.pk}"

    @property
    def audit_user_id(self) -> int | None:
        return self.pk

    @property
    def contact(self) -> Contact | None:
        """Where the person is told about the account: verified, by mail if there is one."""
        if self.email and self.email_verified_at:
            return Contact(Channel.EMAIL, self.email)
        if self.phone and self.phone_verified_at:
            return Contact(Channel.SMS, self.phone)
        return None

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password if raw_password is None else normalized(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Also as it was typed: hashes that were made before passwords had one Unicode form."""
        if raw_password is None:
            return super().check_password(None)
        plain = normalized(raw_password)
        return super().check_password(plain) or (
            plain != raw_password and super().check_password(raw_password)
        )

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        return self.is_active and (
            self.is_superuser or (self.role == Role.STAFF and staff_may(perm))
        )

    def has_perms(self, perm_list: list[str], obj: models.Model | None = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff

    def get_short_name(self) -> str:
        return str(self)

    def get_full_name(self) -> str:
        return str(self)
