# SPDX-License-Identifier: MIT
"""redis-server under redis-benchmark: the server is what is measured.

Time is the benchmark client's, RSS and faults are the server's. The client
runs without the preload.
"""

import subprocess
import time

from .measure import Failure, clean_environment, kill_group, run_command
from .program import Program

START_SECONDS = 20


def _prepare(folder, size):
    socket = folder / "redis.sock"
    server = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "",
              "--appendonly", "no", "--daemonize", "no", "--logfile", str(folder / "redis.log")]
    client = ["redis-benchmark", "-s", str(socket), "-q", "-n", str(15000 * size), "-P", "16",
              "-r", "100000", "-d", "100", "-t", "set,get,lpush,lpop,sadd,hset"]
    return socket, server, client


def _wait_for(socket, server):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        ping = subprocess.run(["redis-cli", "-s", str(socket), "ping"], capture_output=True,
                              text=True, env=clean_environment())
        if ping.stdout.strip() == "PONG":
            return True
        time.sleep(0.02)
    return False


def _load(socket, client, timeout):
    """Seconds the client took, or a Failure."""
    start = time.monotonic()
    done = run_command(client, clean_environment(), timeout)
    seconds = time.monotonic() - start
    subprocess.run(["redis-cli", "-s", str(socket), "shutdown", "nosave"], capture_output=True,
                   env=clean_environment())
    return done if isinstance(done, Failure) else seconds


def _run(launch, prepared, timeout):
    socket, server_command, client = prepared
    launch.json_path.unlink(missing_ok=True)
    server = subprocess.Popen(launch.command(server_command), env=launch.environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True)
    try:
        loaded = (_load(socket, client, timeout) if _wait_for(socket, server)
                  else Failure(f"redis-server didn't answer within {START_SECONDS} s"))
        server.wait(timeout=START_SECONDS)
    except subprocess.TimeoutExpired:
        loaded = Failure("redis-server didn't shut down")
    finally:
        if server.poll() is None:
            kill_group(server)
            server.wait()
        socket.unlink(missing_ok=True)
    outcome = launch.outcome(loaded)
    return outcome if isinstance(outcome, Failure) else outcome | {"seconds": loaded}


REDIS = Program("redis", ("redis-server", "redis-benchmark", "redis-cli"), _prepare, _run)
