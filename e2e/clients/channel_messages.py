"""Judges messages as those who take them do: Slack's by Slack's SDK, PagerDuty's by a schema of what its Events API v2 says.

channel_messages.py FILE: the messages by channel, as one JSON document.
"""

import json
import sys
from pathlib import Path

import jsonschema
from slack_sdk.models.blocks import Block

messages = json.loads(Path(sys.argv[1]).read_text())

for message in messages["slack"]:
    assert 1 <= len(message["blocks"]) <= 50 and message["text"], message
    for block in message["blocks"]:
        parsed = Block.parse(block)
        assert parsed is not None, block
        again = parsed.to_dict()
        assert again["type"] == block["type"], block
        for text in [again.get("text"), *again.get("fields", [])]:
            assert text is None or (text["type"] == "plain_text" and 1 <= len(text["text"]) <= 3000), text
        assert all(len(field["text"]) <= 2000 for field in again.get("fields", [])), block

text = {"type": "string", "minLength": 1}
payload = {
    "type": "object",
    "required": ["summary", "source", "severity"],
    "additionalProperties": False,
    "properties": {
        "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
        "source": text,
        "severity": {"enum": ["critical", "error", "warning", "info"]},
        "timestamp": {"type": "string", "format": "date-time"},
        "component": text,
        "group": text,
        "class": text,
        "custom_details": {"type": "object"},
    },
}
event = {
    "type": "object",
    "required": ["routing_key", "event_action", "dedup_key"],
    "additionalProperties": False,
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
        "client": text,
        "client_url": text,
        "payload": payload,
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
}
validator = jsonschema.Draft202012Validator(event, format_checker=jsonschema.FormatChecker())
for message in messages["pager_duty"]:
    validator.validate(message)
    assert len(json.dumps(message)) <= 512 * 1024

print(f"pager_duty {len(messages['pager_duty'])}, slack {len(messages['slack'])}")
