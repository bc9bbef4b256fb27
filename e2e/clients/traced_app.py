"""An application that makes traces with OpenTelemetry's own SDK and sends them to a collector: traced_app.py COLLECTOR_PORT.

The first line printed is the port. Every answer is what the request said of its trace, as JSON.
"""

import http.server
import json
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(
    SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"http://127.0.0.1:{sys.argv[1]}/v1/traces"))
)
tracer = provider.get_tracer("shop")


class Application(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        carrier = {key.lower(): value for key, value in self.headers.items()}
        context = TraceContextTextMapPropagator().extract(carrier)
        with tracer.start_as_current_span("show", context=context, kind=trace.SpanKind.SERVER):
            said = {name: self.headers.get_all(name) for name in ("traceparent", "tracestate")}
            body = json.dumps(said).encode()
        self.send_response(500 if self.path.startswith("/public/broken") else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form, *values):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
print(server.server_port, flush=True)
server.serve_forever()
