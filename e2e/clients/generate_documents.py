"""The documents of a table, asked of models that were generated: `FOLDER TABLE`."""

import json
import sys
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

folder, table = sys.argv[1:]
sys.path.insert(0, folder)
import contract  # noqa: E402


def fits(kind, value):
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


wrong = 0
rows = json.loads(Path(table).read_text(encoding="utf-8"))
for row in rows:
    if fits(getattr(contract, row["schema"]), row["document"]) != row["fits"]:
        print(f"{row['why']}: expected {row['fits']}", file=sys.stderr)
        wrong += 1

# Parameters arrive as text.
REQUEST = "0190163d-8694-739b-aea5-966c26f8ad91"
PARAMETERS = [
    ("PutOrderPath", {"id": "12"}, True),
    ("PutOrderPath", {"id": "0"}, False),
    ("PutOrderPath", {"id": "1e3"}, False),
    ("PutOrderPath", {"id": " 1"}, False),
    ("PutOrderPath", {"id": "1_0"}, False),
    ("PutOrderQuery", {}, True),
    ("PutOrderQuery", {"dry": "true", "tags": ["a", "b"], "fields": "id,total"}, True),
    ("PutOrderQuery", {"tags": "a"}, True),
    ("PutOrderQuery", {"dry": "yes"}, False),
    ("PutOrderQuery", {"tags": ["a", "b", "c"]}, False),
    ("PutOrderQuery", {"fields": "id,secret"}, False),
    ("PutOrderQuery", {"admin": "1"}, False),
    ("PutOrderHeader", {"x-request-id": REQUEST, "host": "a"}, True),
    ("PutOrderHeader", {}, False),
]
for name, value, expected in PARAMETERS:
    if fits(getattr(contract, name), value) != expected:
        print(f"{name} {value}: expected {expected}", file=sys.stderr)
        wrong += 1
assert contract.PutOrderPath.model_validate({"id": "12"}).id == 12
print(f"{len(rows)} documents, {wrong} wrong")
sys.exit(0 if wrong == 0 else 1)
