# As the other one, of plain data only.
import base64, io, pickle, sys


class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(name)


for line in sys.stdin:
    try:
        value = Plain(io.BytesIO(base64.b64decode(line))).load()
        print("hello", value["user"], "of theme", value["theme"], flush=True)
    except Exception:
        print("no", flush=True)
