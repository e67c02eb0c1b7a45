"""Runs one program for the lab. Ends it and removes a folder when the lab's process has ended.

    python3 -I -S guard.py PARENT_PID STOP_FD FOLDER PROGRAM [ARGUMENT...]

It ends the program when STOP_FD reads end-of-file or the process PARENT_PID ends, whichever way, be it SIGKILL.
The program itself dies with the guard (PR_SET_PDEATHSIG). Exit status: the program's (128 + n for signal n).
Both run, where allowed, in a network namespace of their own, in which the queue of Unix datagram sockets is
longer than the usual 10: the host's setting is left as it is.
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000
QUEUE_LENGTH = 512  # frames; 0.1 s of traffic at 5000 frames a second


def private_network(libc):
    """A failure leaves the host's namespace: shorter queues, so more host drops at a high rate."""
    if libc.unshare(CLONE_NEWNET) != 0:
        return
    try:
        with open("/proc/sys/net/unix/max_dgram_qlen", "w") as file:
            file.write(str(QUEUE_LENGTH))
    except OSError as error:
        print(f"guard: {error}", file=sys.stderr)


def main():
    parent, stop, folder, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    libc = ctypes.CDLL(None, use_errno=True)
    private_network(libc)
    program = None
    try:
        parent_fd = os.pidfd_open(parent)
        if os.getppid() != parent:
            return 1
        os.set_inheritable(stop, False)
        program = subprocess.Popen(
            command, close_fds=False, stdin=subprocess.DEVNULL,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        select.select([stop, parent_fd, os.pidfd_open(program.pid)], [], [])
    except ProcessLookupError:
        return 1
    finally:
        if program is not None:
            program.kill()
            program.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


if __name__ == "__main__":
    # Signals meant for the lab's process group must not stop the cleaning up.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(main())
