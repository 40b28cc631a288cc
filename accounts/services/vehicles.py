"""The cars of a driver."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.domain.vehicles import normal_plate
from accounts.locks import lock_user
from accounts.models import User, Vehicle
from accounts.selectors import vehicles
from csms.common import audit
from csms.common.defaults import make_default
from csms.common.errors import Conflict, FieldError, InvalidInput
from csms.common.provinces import find_province

MOST_VEHICLES = 20


@dataclass(frozen=True, slots=True)
class VehicleData:
    """`province` by code, Thai or English name; `connector_type` is one of `ConnectorType`."""

    plate: str
    province: str
    connector_type: str
    make: str = ""
    model: str = ""
    battery_kwh: Decimal | None = None


@transaction.atomic
def add(driver: User, data: VehicleData, *, is_default: bool = False) -> Vehicle:
    """A new vehicle; the first one is the default. `Conflict` if it is there already."""
    fields = _checked(data)
    lock_user(driver.pk)
    own = vehicles.visible_to(driver)
    if own.count() >= MOST_VEHICLES:
        text = _("At most %(most)d vehicles can be kept.") % {"most": MOST_VEHICLES}
        raise Conflict(text, code="too_many_vehicles")
    _refuse_twice(driver, fields)
    is_first = not own.exists()
    vehicle = Vehicle.objects.create(driver=driver, **fields)
    if is_default or is_first:
        make_default(own, vehicle)
    audit.record(driver, "vehicle.create", vehicle)
    return vehicle


@transaction.atomic
def change(driver: User, vehicle_id: UUID, data: VehicleData, *, is_default: bool) -> Vehicle:
    """Replace all that is known of it; `NotFound` if it is not the driver's.

    The default stays the default until another one is.
    """
    fields = _checked(data)
    lock_user(driver.pk)
    vehicle = vehicles.find(driver, vehicle_id)
    _refuse_twice(driver, fields, but=vehicle)
    for name, value in fields.items():
        setattr(vehicle, name, value)
    vehicle.save(update_fields=list(fields))
    if is_default:
        make_default(vehicles.visible_to(driver), vehicle)
    audit.record(driver, "vehicle.update", vehicle)
    return vehicle


@transaction.atomic
def remove(driver: User, vehicle_id: UUID) -> None:
    """`NotFound` if it is not the driver's. Of the others the oldest becomes the default."""
    lock_user(driver.pk)
    vehicle = vehicles.find(driver, vehicle_id)
    audit.record(driver, "vehicle.delete", vehicle)
    vehicle.delete()
    own = vehicles.visible_to(driver)
    oldest = own.order_by("created_at", "id").first()
    if vehicle.is_default and oldest is not None:
        make_default(own, oldest)


def _checked(data: VehicleData) -> dict[str, Any]:
    errors = []
    province = find_province(data.province)
    if province is None:
        text = _("This is no province of Thailand.")
        errors.append(FieldError("province", "unknown", text))
    try:
        plate = normal_plate(data.plate)
    except ValueError:
        plate = ""
        text = _("This is no Thai licence plate; write it like 1กข 1234.")
        errors.append(FieldError("plate", "invalid", text))
    if errors or province is None:
        raise InvalidInput(errors=errors)
    return {
        "plate": plate,
        "province": province.code,
        "connector_type": data.connector_type,
        "make": data.make,
        "model": data.model,
        "battery_kwh": data.battery_kwh,
    }


def _refuse_twice(driver: User, fields: dict[str, Any], but: Vehicle | None = None) -> None:
    same = vehicles.visible_to(driver).filter(plate=fields["plate"], province=fields["province"])
    if but is not None:
        same = same.exclude(pk=but.pk)
    if same.exists():
        text = _("You have a vehicle with this plate already.")
        raise Conflict(text, code="vehicle_exists", errors=[FieldError("plate", "taken", text)])
