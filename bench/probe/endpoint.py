"""A host that the target can reach: what was asked of it is what shows a request forged on the server.

wapiti (--endpoint) asks its own host on the internet by default; here nothing leaves the machine. Speaks as much of that host's
language as the modules `ssrf` and `xxe` read. Prints its port.
"""
import collections, datetime, http.server, json, threading, urllib.parse

asked = {kind: collections.defaultdict(lambda: collections.defaultdict(lambda: collections.defaultdict(list))) for kind in ("ssrf", "xxe")}
lock = threading.Lock()


class Host(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        parts = [part for part in url.path.split("/") if part]
        body, kind = b"", "text/plain"
        with lock:
            if url.path in ("/get_ssrf.php", "/get_xxe.php"):
                session = urllib.parse.parse_qs(url.query).get("session_id", [""])[0]
                body, kind = json.dumps(asked[url.path[5:-4]].get(session, {})).encode(), "application/json"
            elif len(parts) >= 4 and parts[0] == "ssrf":
                self.keep("ssrf", parts, {})
            elif len(parts) >= 5 and parts[0] == "dtd":
                self.keep("xxe", parts, {"payload": parts[4].rsplit(".", 1)[0]})
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def keep(self, what, parts, more):
        said = {
            "url": f"http://{self.headers.get('Host')}{self.path}",
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "ip": self.client_address[0],
            "method": self.command,
            "size": 0,
        }
        asked[what][parts[1]][parts[2]][parts[3]].append(said | more)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
print(server.server_address[1], flush=True)
server.serve_forever()
