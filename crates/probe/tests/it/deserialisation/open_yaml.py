# Reads YAML in Base64 from each line with whatever its tags name, and says what it is. Says `none` where there is no PyYAML.
import base64, sys

try:
    import yaml
except ImportError:
    yaml = None

for line in sys.stdin:
    try:
        value = yaml.load(base64.b64decode(line), Loader=yaml.UnsafeLoader) if yaml else None
        print("hello", value["user"], "of theme", value["theme"], flush=True)
    except Exception:
        print("no" if yaml else "none", flush=True)
