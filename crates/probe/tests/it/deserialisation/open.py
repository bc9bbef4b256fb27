# Reads a pickle in Base64 from each line, and says what it is.
import base64, pickle, sys

for line in sys.stdin:
    try:
        value = pickle.loads(base64.b64decode(line))
        print("hello", value["user"], "of theme", value["theme"], flush=True)
    except Exception:
        print("no", flush=True)
