"""To whom a driver's tax invoices are made out."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.locks import lock_user
from accounts.models import User
from csms.common import audit
from csms.common.defaults import make_default
from csms.common.errors import Conflict, FieldError, InvalidInput
from csms.common.fields import search_digest
from csms.common.provinces import find_province
from invoicing.domain.tax_ids import HEAD_OFFICE, Party, normal_branch, normal_tax_id, party_of
from invoicing.models import TaxInvoiceProfile
from invoicing.selectors import profiles

MOST_PROFILES = 20


@dataclass(frozen=True, slots=True)
class ProfileData:
    """`party`: PERSON or COMPANY. `province` by code, Thai or English name. `branch`: 00000 is the
    head office; a person has none but that."""

    party: str
    tax_id: str
    name: str
    address: str
    sub_district: str
    district: str
    province: str
    postal_code: str
    branch: str = HEAD_OFFICE
    email: str = ""


@transaction.atomic
def add(driver: User, data: ProfileData, *, is_default: bool = False) -> TaxInvoiceProfile:
    """A new profile; the first one is the default.

    `InvalidInput` names every wrong field; `Conflict` for the same tax id and branch again.
    """
    fields = _checked(data)
    lock_user(driver.pk)
    own = profiles.own(driver)
    if own.count() >= MOST_PROFILES:
        text = _("At most %(most)d tax invoice profiles can be kept.") % {"most": MOST_PROFILES}
        raise Conflict(text, code="too_many_profiles")
    _refuse_twice(driver, fields)
    is_first = not own.exists()
    profile = TaxInvoiceProfile.objects.create(driver=driver, **fields)
    if is_default or is_first:
        make_default(own, profile)
    audit.record(driver, "tax_invoice_profile.create", profile)
    return profile


@transaction.atomic
def change(driver: User, profile_id: UUID, data: ProfileData) -> TaxInvoiceProfile:
    """Replace all that it says; `NotFound` if it is not the driver's."""
    fields = _checked(data)
    lock_user(driver.pk)
    profile = profiles.find_own(driver, profile_id)
    _refuse_twice(driver, fields, but=profile)
    for name, value in fields.items():
        setattr(profile, name, value)
    profile.save(update_fields=[*fields, "updated_at"])
    audit.record(driver, "tax_invoice_profile.update", profile)
    return profile


@transaction.atomic
def choose_default(driver: User, profile_id: UUID) -> TaxInvoiceProfile:
    """`NotFound` if it is not the driver's; twice is once."""
    lock_user(driver.pk)
    profile = profiles.find_own(driver, profile_id)
    if not profile.is_default:
        make_default(profiles.own(driver), profile)
        audit.record(driver, "tax_invoice_profile.set_default", profile)
    return profile


@transaction.atomic
def remove(driver: User, profile_id: UUID) -> None:
    """Documents copied what they print. Of the others the oldest becomes the default."""
    lock_user(driver.pk)
    profile = profiles.find_own(driver, profile_id)
    audit.record(driver, "tax_invoice_profile.delete", profile)
    was_default = profile.is_default
    profile.delete()
    own = profiles.own(driver)
    oldest = own.order_by("created_at", "id").first()
    if was_default and oldest is not None:
        make_default(own, oldest)


def tax_id_digest(tax_id: str) -> str:
    return search_digest("tax id", tax_id)


def _checked(data: ProfileData) -> dict[str, Any]:
    errors: list[FieldError] = []
    tax_id = _tax_id(data, errors)
    branch = _branch(data, errors)
    province = find_province(data.province)
    if province is None:
        text = _("This is no province of Thailand.")
        errors.append(FieldError("province", "unknown", text))
    if errors or province is None:
        raise InvalidInput(errors=errors)
    return {
        "party": data.party,
        "tax_id": tax_id,
        "tax_id_digest": tax_id_digest(tax_id),
        "branch": branch,
        "name": data.name,
        "address": data.address,
        "sub_district": data.sub_district,
        "district": data.district,
        "province": province.code,
        "postal_code": data.postal_code,
        "email": data.email,
    }


def _tax_id(data: ProfileData, errors: list[FieldError]) -> str:
    try:
        tax_id = normal_tax_id(data.tax_id)
    except ValueError:
        text = _("This is no Thai tax id: 13 digits, of which the last one checks the others.")
        errors.append(FieldError("tax_id", "invalid", text))
        return ""
    if party_of(tax_id) != data.party:
        text = _("Tax ids of companies begin with 0, those of persons do not.")
        errors.append(FieldError("tax_id", "other_party", text))
    return tax_id


def _branch(data: ProfileData, errors: list[FieldError]) -> str:
    try:
        branch = normal_branch(data.branch)
    except ValueError:
        text = _("A branch has five digits; 00000 is the head office.")
        errors.append(FieldError("branch", "invalid", text))
        return ""
    if data.party == Party.PERSON and branch != HEAD_OFFICE:
        text = _("Only companies have branches.")
        errors.append(FieldError("branch", "other_party", text))
    return branch


def _refuse_twice(
    driver: User, fields: dict[str, Any], but: TaxInvoiceProfile | None = None
) -> None:
    same = profiles.own(driver).filter(
        tax_id_digest=fields["tax_id_digest"], branch=fields["branch"]
    )
    if but is not None:
        same = same.exclude(pk=but.pk)
    if same.exists():
        text = _("You have a profile with this tax id and branch already.")
        raise Conflict(text, code="profile_exists", errors=[FieldError("tax_id", "taken", text)])
