"""What pycrowdsec, a library for bouncers that others wrote, makes of the gate's block list.

    bouncer.py URL KEY query ADDRESS...   decisions for each, as JSON
    bouncer.py URL KEY follow             a line of JSON for each line of standard input: what it knows after asking again
"""

import json
import sys

from pycrowdsec.client import QueryClient, StreamClient


class Following(StreamClient):
    def process_response(self, response):
        self.deleted = [decision["value"] for decision in response["deleted"] or []]
        super().process_response(response)


url, key, verb, *arguments = sys.argv[1:]
if verb == "query":
    client = QueryClient(api_key=key, lapi_url=url)
    print(json.dumps({address: client.get_decisions_for(address) for address in arguments}))
else:
    client = Following(api_key=key, lapi_url=url)
    first = "true"
    for _ in sys.stdin:
        client.cycle(first)
        first = "false"
        known = sorted(str(value) for value in client.get_current_decisions())
        print(json.dumps({"known": known, "deleted": client.deleted}), flush=True)
