"""Runs a command and says what it and its children cost: processor seconds, seconds, the most memory of one process in kB."""
import json, resource, subprocess, sys, time

# What started this may have run others before.
former = resource.getrusage(resource.RUSAGE_CHILDREN)
begin = time.monotonic()
done = subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], "wb"), stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    "cpu": used.ru_utime + used.ru_stime - former.ru_utime - former.ru_stime,
    "clock": time.monotonic() - begin,
    "memory": used.ru_maxrss,
    "status": done.returncode,
}))
