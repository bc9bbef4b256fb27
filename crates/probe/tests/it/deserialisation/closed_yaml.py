# Reads YAML in Base64 from each line and says what it is. Says `none` where there is no PyYAML.
import base64, sys

try:
    import yaml
except ImportError:
    yaml = None

for line in sys.stdin:
    try:
        value = yaml.safe_load(base64.b64decode(line)) if yaml else None
        print("hello", value["user"], "of theme", value["theme"], flush=True)
    except Exception:
        print("no" if yaml else "none", flush=True)
