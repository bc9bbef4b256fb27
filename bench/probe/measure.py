"""Runs a command for at most LIMIT seconds and says what it and everything it started cost.

measure.py LIMIT OUTPUT COMMAND...   prints {"cpu": seconds, "clock": seconds, "status": code, "limited": bool}

Whoever starts a browser may end without waiting for all of its processes. Those are handed to this one, which waits for them:
so their processor time is counted too.
"""
import ctypes, json, os, resource, signal, subprocess, sys, time

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
limit, output, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
begin = time.monotonic()
with open(output, "wb") as file:
    started = subprocess.Popen(command, stdout=file, stderr=file, stdin=subprocess.PIPE, start_new_session=True)
# Who is interrupted may ask what to do: write the report.
started.stdin.write(b"r\n")
started.stdin.flush()
limited = False
for patience, ending in ((limit, signal.SIGINT), (40, signal.SIGKILL), (5, None)):
    try:
        started.wait(timeout=patience)
        break
    except subprocess.TimeoutExpired:
        limited = True
        if ending is not None:
            os.killpg(started.pid, ending)
clock = time.monotonic() - begin
deadline = time.monotonic() + 5
while time.monotonic() < deadline:
    try:
        if os.waitpid(-1, os.WNOHANG)[0] == 0:
            time.sleep(0.02)
    except ChildProcessError:
        break
try:
    os.killpg(started.pid, signal.SIGKILL)
except ProcessLookupError:
    pass
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "clock": clock, "status": started.returncode, "limited": limited}))
