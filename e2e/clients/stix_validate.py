"""Validates a STIX bundle on standard input, and prints the patterns of its indicators."""

import json
import sys

import stix2
from stix2validator import ValidationOptions, validate_instance

bundle = json.load(sys.stdin)
verdict = validate_instance(bundle, ValidationOptions(version="2.1", strict=True))
for problem in [*verdict.errors, *verdict.warnings]:
    print(problem, file=sys.stderr)
parsed = stix2.parse(bundle)
for thing in parsed.objects:
    if thing.type == "indicator":
        print(thing.pattern)
sys.exit(0 if verdict.is_valid else 1)
