"""What a change of the OpenAPI document breaks for programs that were written against the old one.

`python -m tests.api.compatibility check` (part of `make check`) compares the routes as they are
with the accepted document in `docs/openapi.json`. `… accept` (`make openapi`) writes them there;
what breaks is only accepted when asked to, and stands in the diff of that file then.

Breaking: a path, method, success status or field of an answer that is gone or may now be missing
or null; another type; an input that is newly needed, refused or narrower; another operation id
(generated clients are named by it); a way to sign in that is gone. Not breaking: whatever is added.
New members of an enumeration in an answer count as added: clients are told to expect them.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ACCEPTED = ROOT / "docs" / "openapi.json"
METHODS = ("get", "put", "post", "delete", "patch")
Json = dict[str, Any]
# Of two limits the one that lets more through.
UPPER_LIMITS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
LOWER_LIMITS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")


@dataclass
class Comparison:
    """`old` and `new` documents; `breaking` collects sentences."""

    old: Json
    new: Json
    breaking: list[str] = field(default_factory=list)
    _seen: set[tuple[str, str, bool]] = field(default_factory=set)

    def run(self) -> list[str]:
        for path, item in self.old["paths"].items():
            kept = self.new["paths"].get(path)
            if kept is None:
                self.breaking.append(f"{path}: the path is gone")
                continue
            for method in METHODS:
                if method not in item:
                    continue
                if method not in kept:
                    self.breaking.append(f"{method} {path}: the operation is gone")
                else:
                    self._operation(f"{method} {path}", item[method], kept[method])
        return self.breaking

    def _say(self, where: str, what: str) -> None:
        self.breaking.append(f"{where}: {what}")

    def _operation(self, where: str, old: Json, new: Json) -> None:
        if old.get("operationId") != new.get("operationId"):
            self._say(where, f"operation id {old.get('operationId')} → {new.get('operationId')}")
        for way in old.get("security", []):
            if way not in new.get("security", []):
                self._say(where, f"no longer open to {', '.join(way) or 'everybody'}")
        self._parameters(where, old, new)
        self._request_body(where, old.get("requestBody"), new.get("requestBody"))
        self._answers(where, old.get("responses", {}), new.get("responses", {}))

    def _parameters(self, where: str, old: Json, new: Json) -> None:
        def named(operation: Json) -> dict[tuple[str, str], Json]:
            return {(p["in"], p["name"]): p for p in operation.get("parameters", [])}

        before, after = named(old), named(new)
        for key, parameter in before.items():
            place = f"{where} {key[0]} {key[1]}"
            if key not in after:
                self._say(place, "the parameter is gone")
                continue
            if after[key].get("required") and not parameter.get("required"):
                self._say(place, "is now needed")
            self._input(place, parameter.get("schema", {}), after[key].get("schema", {}))
        for key in after.keys() - before.keys():
            if after[key].get("required"):
                self._say(f"{where} {key[0]} {key[1]}", "is new and needed")

    def _request_body(self, where: str, old: Json | None, new: Json | None) -> None:
        if new is None:
            if old is not None:
                self._say(where, "takes no body any more")
            return
        if old is None:
            if new.get("required"):
                self._say(where, "now needs a body")
            return
        if new.get("required") and not old.get("required"):
            self._say(where, "now needs a body")
        for media_type, content in old.get("content", {}).items():
            if media_type not in new.get("content", {}):
                self._say(where, f"no longer takes {media_type}")
            else:
                kept = new["content"][media_type]
                self._input(f"{where} body", content.get("schema", {}), kept.get("schema", {}))

    def _answers(self, where: str, old: Json, new: Json) -> None:
        for status, answer in old.items():
            if status not in new:
                if status.startswith("2"):
                    self._say(where, f"no longer answers {status}")
                continue
            for media_type, content in answer.get("content", {}).items():
                kept = new[status].get("content", {}).get(media_type)
                if kept is None:
                    self._say(where, f"{status} no longer comes as {media_type}")
                else:
                    self._output(
                        f"{where} {status}", content.get("schema", {}), kept.get("schema", {})
                    )

    # --- What is sent: it must take all that it took ---------------------------------------------
    def _input(self, where: str, old: Json, new: Json) -> None:
        old, new, is_known = self._resolved(old, new, is_input=True)
        if is_known:
            return
        if lost := types(old) - types(new):
            self._say(where, f"no longer takes {', '.join(sorted(lost))}")
            return
        self._narrowed(where, old, new)
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before.keys() - after.keys():
            self._say(f"{where}.{name}", "is no longer taken")
        for name in set(new.get("required", ())) - set(old.get("required", ())):
            self._say(f"{where}.{name}", "is now needed")
        for name in before.keys() & after.keys():
            self._input(f"{where}.{name}", before[name], after[name])
        if "items" in old and "items" in new:
            self._input(f"{where}[]", old["items"], new["items"])

    def _narrowed(self, where: str, old: Json, new: Json) -> None:
        if "enum" in new:
            lost = (
                set(map(str, old["enum"])) - set(map(str, new["enum"])) if "enum" in old else None
            )
            if lost is None:
                self._say(where, "now takes certain values only")
            elif lost:
                self._say(where, f"no longer takes {', '.join(sorted(lost))}")
        for name in ("format", "pattern"):
            if new.get(name) is not None and new.get(name) != old.get(name):
                self._say(where, f"{name} {old.get(name)} → {new[name]}")
        for name, is_narrower in limits(old, new):
            if is_narrower:
                self._say(where, f"{name} {old.get(name)} → {new[name]}")

    # --- What is answered: it must hold all that it held ------------------------------------------
    def _output(self, where: str, old: Json, new: Json) -> None:
        old, new, is_known = self._resolved(old, new, is_input=False)
        if is_known:
            return
        if gained := types(new) - types(old):
            self._say(where, f"may now be {', '.join(sorted(gained))}")
            return
        if "enum" in old and "enum" not in new:
            self._say(where, "may now be any value")
        if new.get("format") != old.get("format"):
            self._say(where, f"format {old.get('format')} → {new.get('format')}")
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before.keys() - after.keys():
            self._say(f"{where}.{name}", "is gone")
        still_there = before.keys() & after.keys()
        for name in (set(old.get("required", ())) - set(new.get("required", ()))) & still_there:
            self._say(f"{where}.{name}", "may now be missing")
        for name in still_there:
            self._output(f"{where}.{name}", before[name], after[name])
        if "items" in old and "items" in new:
            self._output(f"{where}[]", old["items"], new["items"])

    def _resolved(self, old: Json, new: Json, *, is_input: bool) -> tuple[Json, Json, bool]:
        """Both without references; and whether this pair of components was compared before."""
        pair = (old.get("$ref", ""), new.get("$ref", ""), is_input)
        if pair[0] and pair[1]:
            if pair in self._seen:
                return {}, {}, True
            self._seen.add(pair)
        return resolved(self.old, old), resolved(self.new, new), False


def resolved(document: Json, schema: Json) -> Json:
    """One schema without reference; alternatives become one schema that may be null."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for part in ("allOf", "oneOf", "anyOf"):
        alternatives = schema.get(part)
        if not alternatives:
            continue
        wanted = [a for a in alternatives if a.get("type") != "null" and a.get("enum") != [None]]
        if len(wanted) != 1:
            return schema
        inner = dict(resolved(document, wanted[0]))
        if len(wanted) < len(alternatives):
            inner["type"] = sorted(types(inner) | {"null"})
        return inner
    return schema


def types(schema: Json) -> set[str]:
    """The JSON types that fit; nothing said: any. An integer is a number, too."""
    named = schema.get("type")
    if named is None:
        return {"any"}
    found = {named} if isinstance(named, str) else set(named)
    return found | ({"integer"} if "number" in found else set())


def limits(old: Json, new: Json) -> Iterator[tuple[str, bool]]:
    for name in UPPER_LIMITS:
        if name in new:
            yield name, name not in old or new[name] < old[name]
    for name in LOWER_LIMITS:
        if name in new:
            yield name, name not in old or new[name] > old[name]


def breaking_changes(old: Json, new: Json) -> list[str]:
    """A sentence for each change that breaks a program which was written against `old`."""
    return sorted(set(Comparison(old, new).run()))


def current() -> Json:
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csms.settings.test")
    django.setup()
    from tests.api.client import document

    return document()


def text_of(document: Json) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("do", choices=["check", "accept"])
    parser.add_argument("--breaking", action="store_true", help="accept what breaks, too")
    given = parser.parse_args()
    now = current()
    accepted: Json | None = json.loads(ACCEPTED.read_text()) if ACCEPTED.exists() else None
    found = breaking_changes(accepted, now) if accepted else []
    for line in found:
        sys.stdout.write(f"breaks clients: {line}\n")
    if found and not given.breaking:
        sys.stdout.write(
            "Keep what clients use and add beside it. If it must break: "
            "make openapi BREAKING=1, and say so in CHANGELOG.md.\n"
        )
        return 1
    if given.do == "accept":
        ACCEPTED.write_text(text_of(now))
        return 0
    if accepted is None or text_of(now) != text_of(accepted):
        sys.stdout.write("docs/openapi.json is not what the routes say: make openapi.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
