# Reads a pickle in Base64 from each line, and says the same whatever comes of it. Names are looked up at the server of the argument.
import base64, pickle, socket, sys


def lookup(name):
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    question += b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\x00\x00\x01\x00\x01"
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(question, ("127.0.0.1", int(sys.argv[1])))
    return "192.0.2.1"


class Data(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError("only data")


socket.gethostbyname = lookup
for line in sys.stdin:
    try:
        import io
        stream = io.BytesIO(base64.b64decode(line))
        (Data if len(sys.argv) > 2 else pickle.Unpickler)(stream).load()
    except Exception:
        pass
    print("hello", flush=True)
