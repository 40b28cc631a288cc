from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.domain.permissions import staff_may
from accounts.domain.states import Role
from accounts.models.operators import Operator
from csms.common.fields import EncryptedTextField


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def create_user(self, email: str | None, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower() if email else None, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, role=Role.SUPERADMIN, **fields)


class User(AbstractBaseUser):
    """A driver or a member of staff; what staff may do stands in `accounts.domain.permissions`."""

    email = models.EmailField(_("e-mail"), unique=True, null=True, blank=True)
    phone = EncryptedTextField(_("phone"), blank=True, default="")
    phone_digest = models.CharField(
        max_length=64, unique=True, null=True, blank=True, editable=False
    )
    display_name = models.CharField(_("name"), max_length=200, blank=True)
    role = models.CharField(
        _("role"),
        max_length=10,
        choices=[(r.value, r.value) for r in Role],
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

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(email__isnull=False) | Q(phone_digest__isnull=False),
                name="user_has_email_or_phone",
            ),
            models.CheckConstraint(
                condition=Q(role=Role.DRIVER) | Q(email__isnull=False), name="staff_has_email"
            ),
            models.CheckConstraint(
                condition=Q(role__in=[r.value for r in Role]), name="user_role_known"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.email or f"#{self.pk}"

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
