"""Prints the processor time of reading and validating documents with jsonschema-rs, in nanoseconds: one line for each.

Arguments: the schema, the milliseconds to spend on each, the documents.
"""

import json
import sys
import time

import jsonschema_rs

schema, milliseconds, *documents = sys.argv[1:]
with open(schema, encoding="utf-8") as file:
    validator = jsonschema_rs.Draft202012Validator(json.load(file), validate_formats=True)
for path in documents:
    with open(path, "rb") as file:
        data = file.read()
    if not validator.is_valid(json.loads(data)):
        sys.exit("the document is not valid")
    times, before = 0, time.process_time_ns()
    while time.process_time_ns() - before < int(milliseconds) * 1_000_000:
        for _ in range(20):
            validator.is_valid(json.loads(data))
        times += 20
    print((time.process_time_ns() - before) // times)
