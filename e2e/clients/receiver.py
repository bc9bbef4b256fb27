"""Receives what a gate sends and prints what the readers of others understand of it, one JSON object a line.

OTLP/HTTP is read by the messages of `opentelemetry-proto`, Sentry's envelopes by `sentry-sdk`, bulk requests as Elasticsearch
documents them. The first line printed is the port.
"""

import base64
import gzip
import http.server
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from sentry_sdk.envelope import Envelope

SERVICES = {
    "/v1/logs": (logs_service_pb2.ExportLogsServiceRequest, logs_service_pb2.ExportLogsServiceResponse),
    "/v1/traces": (trace_service_pb2.ExportTraceServiceRequest, trace_service_pb2.ExportTraceServiceResponse),
}


def say(value):
    print(json.dumps(value), flush=True)


def packed(node):
    """OTLP's JSON has identifiers in hexadecimal where ProtoJSON has base64."""
    if isinstance(node, dict):
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode()
            if key in ("traceId", "spanId", "parentSpanId")
            else packed(value)
            for key, value in node.items()
        }
    return [packed(value) for value in node] if isinstance(node, list) else node


def plain(attributes):
    return {one.key: one.value.int_value if one.value.HasField("int_value") else one.value.string_value for one in attributes}


def logs(request):
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield {
                    "resource": plain(resource.resource.attributes),
                    "scope": scope.scope.name,
                    "event": record.event_name,
                    "severity": record.severity_number,
                    "time": record.time_unix_nano,
                    "body": record.body.string_value,
                    "attributes": plain(record.attributes),
                }


def spans(request):
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {
                    "resource": plain(resource.resource.attributes),
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "state": span.trace_state,
                    "flags": span.flags,
                    "name": span.name,
                    "kind": span.kind,
                    "start": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "status": span.status.code,
                    "attributes": plain(span.attributes),
                }


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        kind, path = self.headers["content-type"], self.path.split("?")[0]
        if path in SERVICES:
            request, answer = SERVICES[path]
            if kind == "application/json":
                message = json_format.ParseDict(packed(json.loads(body)), request())
                said = json_format.MessageToJson(answer()).encode()
            else:
                assert kind == "application/x-protobuf", kind
                message, said = request.FromString(body), answer().SerializeToString()
                # What nobody defined would be kept as unknown.
                again = request()
                again.CopyFrom(message)
                again.DiscardUnknownFields()
                assert again == message and again.ByteSize() == message.ByteSize()
            for one in logs(message) if path == "/v1/logs" else spans(message):
                say(one)
            self.answer(said, kind)
        elif path.endswith("/envelope/"):
            envelope = Envelope.deserialize(body)
            (item,) = envelope.items
            event = item.get_event()
            assert event is not None and item.type == "event", item.type
            assert envelope.headers["event_id"] == event["event_id"]
            say({"path": path, "auth": self.headers["x-sentry-auth"], "event": event})
            self.answer(json.dumps({"id": event["event_id"]}).encode(), "application/json")
        elif path.endswith("/_bulk"):
            assert kind == "application/x-ndjson" and body.endswith(b"\n"), kind
            lines, items = [json.loads(line) for line in body.splitlines()], []
            for action, document in zip(lines[::2], lines[1::2]):
                say({"index": path.split("/")[1], "id": action["create"]["_id"], "document": document})
                items.append({"create": {"status": 201}})
            self.answer(json.dumps({"errors": False, "items": items}).encode(), "application/json")
        else:
            self.send_error(404)

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if body:
            self.wfile.write(body)

    def log_message(self, form, *values):
        print(form % values, file=sys.stderr)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
