"""Validates lists of components by the programs of those who made the forms: CycloneDX 1.6 and SPDX 2.3.

Prints how many components each of the two has.
"""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

cyclonedx, spdx = sys.argv[1:]
with open(cyclonedx, encoding="utf-8") as file:
    text = file.read()
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
if problem:
    sys.exit(f"CycloneDX: {problem}")
document = parse_file(spdx)
problems = validate_full_spdx_document(document)
if problems:
    sys.exit("SPDX: " + "; ".join(problem.validation_message for problem in problems))
print(len(json.loads(text)["components"]), len(document.packages))
