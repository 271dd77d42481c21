#!/usr/bin/env python3
"""trio-ready.py SCENARIOS TIMES - seconds from the start of Kamailio's three processes until each answers
OPTIONS and both Diameter connections stand, as a JSON list. Uses the supplied driver's own start of them."""
import json, os, shutil, sys, time

sys.path.insert(0, sys.argv[1])
import bench

KAMAILIO, PROBE, SLEEP = bench.kam, bench.probe, time.sleep
began = ended = None


def kam(name):
    global began
    began = began or time.monotonic()
    return KAMAILIO(name)


def probe(address, secs=10):
    """The driver's own waits 0.3 s for an answer that a starting core never gives."""
    end = time.monotonic() + secs
    while time.monotonic() < end:
        if PROBE(address, 0.001):
            return True
    return False


def sleep(seconds):
    """What the driver sleeps once all is up is the end of what is measured."""
    global ended
    if seconds >= 0.5:
        ended = time.monotonic()
    SLEEP(min(seconds, 0.005) if began and seconds < 0.5 else seconds)


bench.kam, bench.probe, time.sleep = kam, probe, sleep
socket_timeout = bench.socket.socket.settimeout
bench.socket.socket.settimeout = lambda self, seconds: socket_timeout(self, min(seconds, 0.005))
times = []
try:
    for _ in range(int(sys.argv[2])):
        began = ended = None
        trio = bench.Sut("trio").start()
        times.append(round(ended - began, 3))
        trio.stop()
finally:
    for process in list(bench.procs):
        bench.stop(process)
    shutil.rmtree(bench.RUN, ignore_errors=True)
print(json.dumps(times))
