"""The ZIP file of a person's data: JSON and CSV of each kind, and a README in Thai and English.

Rows are written as they are read, so that ten years of readings need no memory. Files lie under
DATA_DIR, which no web server serves, and only this program's user can read them.
"""

import csv
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson
from django.conf import settings

from csms.common.api.csv import cell
from csms.common.api.json import dumps
from csms.common.clock import BANGKOK
from csms.common.personal_data import Export, Row

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class WrittenFile:
    size_bytes: int
    sha256: str


def folder() -> Path:
    path = Path(settings.DATA_DIR) / "data-exports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def path_of(file_name: str) -> Path:
    return folder() / file_name


def write(file_name: str, user_id: int, exports: Iterable[Export], at: datetime) -> WrittenFile:
    """Write the whole file; it appears under its name only when it is complete and on disk."""
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".building-") as building:
        draft = Path(building) / "export.zip"
        draft.touch(mode=0o600)
        counted = []
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for export in exports:
                count = _add(archive, Path(building), export, user_id)
                counted.append((export, count))
            archive.writestr("README.txt", _readme(counted, at))
        written = _measure(draft)
        os.replace(draft, path_of(file_name))
    return written


def remove(file_name: str) -> None:
    path = path_of(file_name)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def everything() -> list[Path]:
    """Files, and the folders in which they are built."""
    return list(folder().iterdir())


def _add(archive: zipfile.ZipFile, building: Path, export: Export, user_id: int) -> int:
    """Both files of one kind, from one reading of its rows; how many rows there were."""
    as_json, as_csv = building / "rows.json", building / "rows.csv"
    count = _write_rows(export.rows(user_id), as_json, as_csv)
    archive.write(as_json, f"json/{export.kind}.json")
    archive.write(as_csv, f"csv/{export.kind}.csv")
    return count


def _write_rows(rows: Iterable[Row], as_json: Path, as_csv: Path) -> int:
    count = 0
    # The mark at the beginning is what makes Excel read Thai as UTF-8.
    with as_json.open("wb") as lines, as_csv.open("w", encoding="utf-8-sig", newline="") as table:
        writer = csv.writer(table)
        lines.write(b"[")
        for row in rows:
            if not count:
                writer.writerow(row)
            writer.writerow([_cell(value) for value in row.values()])
            lines.write((b",\n" if count else b"\n") + dumps(row))
            count += 1
        lines.write(b"\n]\n")
    return count


def _cell(value: object) -> str:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else cell(value)


def _measure(path: Path) -> WrittenFile:
    digest = hashlib.sha256()
    with path.open("rb") as written:
        while chunk := written.read(_CHUNK):
            digest.update(chunk)
        os.fsync(written.fileno())
        size = written.tell()
    return WrittenFile(size, digest.hexdigest())


def _readme(counted: Iterable[tuple[Export, int]], at: datetime) -> str:
    kinds = list(counted)
    local = at.astimezone(BANGKOK)
    moment_th = f"{local:%d/%m/}{local.year + 543}{local: %H:%M}"
    lines_th = [f"- {e.kind}: {e.title_th} ({count})" for e, count in kinds]
    lines_en = [f"- {e.kind}: {e.title_en} ({count})" for e, count in kinds]
    return "\n".join(
        [
            "ข้อมูลส่วนบุคคลของท่าน",
            f"จัดทำเมื่อ {moment_th} น. (เวลาประเทศไทย)",
            "",
            "ไฟล์นี้คือสำเนาข้อมูลทั้งหมดที่เราเก็บเกี่ยวกับท่าน ตามสิทธิในมาตรา 30 และ 31",
            "แห่ง พ.ร.บ. คุ้มครองข้อมูลส่วนบุคคล พ.ศ. 2562",
            "แต่ละชุดข้อมูลมีสองแบบ: โฟลเดอร์ json สำหรับโปรแกรม และโฟลเดอร์ csv สำหรับตารางคำนวณ",
            "เวลาเป็นแบบ ISO 8601 พลังงานเป็นวัตต์ชั่วโมง (Wh) จำนวนเงินเป็นบาท",
            "ไม่มีรหัสผ่านหรือกุญแจใด ๆ อยู่ในนี้ เพราะเราเก็บไว้เพียงค่าที่แปลงกลับไม่ได้",
            "โปรดเก็บไฟล์นี้ในที่ปลอดภัย",
            "",
            *lines_th,
            "",
            "-" * 72,
            "",
            "Your personal data",
            f"Made {local:%Y-%m-%d %H:%M} (Thailand time)",
            "",
            "This file is a copy of all that we hold about you, which sections 30 and 31 of the",
            "Personal Data Protection Act B.E. 2562 entitle you to.",
            "Each kind comes twice: in the folder json for programs, in csv for spreadsheets.",
            "Times are ISO 8601, energy is in watt-hours (Wh), money in baht.",
            "Passwords and keys are not in here: we keep only what cannot be turned back.",
            "Keep this file in a safe place.",
            "",
            *lines_en,
            "",
        ]
    )
