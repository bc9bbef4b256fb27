"""Which documents of a table models accept: `FOLDER TABLE`; one letter each, `y` or `n`."""

import json
import sys
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

folder, table = sys.argv[1:]
sys.path.insert(0, folder)
import contract  # noqa: E402

order = TypeAdapter(contract.Order)


def verdict(document):
    try:
        order.validate_python(document)
    except ValidationError:
        return "n"
    return "y"


print("".join(verdict(document) for document in json.loads(Path(table).read_text(encoding="utf-8"))))
