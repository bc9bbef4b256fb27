"""scim2-tester looks at a gate's SCIM server. Arguments: base address, key. Writes one line per check, and fails
when a check does not succeed or was not made at all."""

import sys
from collections import Counter

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

base, key = sys.argv[1:]
client = SyncSCIMClient(Client(base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=60))
results = check_server(client)
for result in results:
    print(result.status.name, result.resource_type or "-", result.title, (result.reason or "").replace("\n", " "))
    if result.status is not Status.SUCCESS:
        print("   ", result.data)
counts = Counter(result.status.name for result in results)
print("counts", dict(counts))
kinds = {(result.resource_type, result.title) for result in results}
expected = {
    (kind, check)
    for kind in ("User", "Group")
    for check in (
        "object_creation", "object_query", "object_query_without_id", "object_query_with_attributes",
        "object_list_with_attributes", "search_with_attributes", "object_replacement", "object_deletion",
        "check_add_attribute", "check_remove_attribute", "check_replace_attribute",
    )
}
missing = expected - kinds
if missing or set(counts) != {"SUCCESS"}:
    raise SystemExit(f"not made: {sorted(missing)}; {dict(counts)}")
