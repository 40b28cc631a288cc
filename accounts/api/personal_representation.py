"""What a driver keeps here, as the API shows it. The forms are in `personal_serializers`."""

from typing import Any

from django.urls import reverse

from accounts.domain.states import DataExportState
from accounts.models import AccountDeletion, ConsentRecord, DataExport, IdToken, Vehicle
from csms.common.masking import mask_id_token
from csms.common.provinces import PROVINCES


def province(code: str) -> dict[str, str]:
    found = PROVINCES[code]
    return {"code": found.code, "name_th": found.name_th, "name_en": found.name_en}


def vehicle(row: Vehicle) -> dict[str, Any]:
    return {
        "id": row.pk,
        "plate": row.plate,
        "province": province(row.province),
        "make": row.make,
        "model": row.model,
        "connector_type": row.connector_type,
        "battery_kwh": None if row.battery_kwh is None else f"{row.battery_kwh:.1f}",
        "is_default": row.is_default,
        "created_at": row.created_at,
    }


def id_token(row: IdToken) -> dict[str, Any]:
    return {
        "id": row.pk,
        "masked_token": mask_id_token(row.token),
        "type": row.type,
        "status": row.status,
        "operator": None if row.operator is None else row.operator.name,
        "expires_at": row.expires_at,
        "created_at": row.created_at,
    }


def consent(row: ConsentRecord) -> dict[str, Any]:
    return {
        "id": row.pk,
        "purpose": row.purpose,
        "decision": row.decision,
        "text_version": row.text_version,
        "channel": row.channel,
        "at": row.at,
    }


def data_export(row: DataExport) -> dict[str, Any]:
    is_ready = row.state == DataExportState.READY
    return {
        "id": row.pk,
        "state": row.state,
        "requested_at": row.requested_at,
        "ready_at": row.ready_at,
        "expires_at": row.expires_at,
        "size_bytes": row.size_bytes,
        "sha256": row.sha256 or None,
        "file": reverse("data-export-file", args=[row.pk]) if is_ready else None,
    }


def deletion(row: AccountDeletion) -> dict[str, Any]:
    return {"at": row.at, "erased": row.erased, "kept": row.kept}
