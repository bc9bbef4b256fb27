"""Validates OCSF events, one a line on standard input, each against the schema of its class and its profiles."""

import json
import sys
from collections import Counter

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

version = sys.argv[1]
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
validators, seen, wrong = {}, Counter(), 0
for line in sys.stdin:
    event = json.loads(line)
    assert event["metadata"]["version"] == version, event["metadata"]
    name = schema.lookup_class_name_from_uid(event["class_uid"])
    profiles = tuple(event["metadata"]["profiles"])
    if (name, profiles) not in validators:
        validators[name, profiles] = Draft202012Validator(schema.get_class_schema(name, list(profiles)))
    seen[name] += 1
    for error in validators[name, profiles].iter_errors(event):
        wrong += 1
        print(f"{name}, {event['metadata']['event_code']}: {error.json_path}: {error.message[:300]}", file=sys.stderr)
for name, count in sorted(seen.items()):
    print(name, count)
sys.exit(1 if wrong else 0)
