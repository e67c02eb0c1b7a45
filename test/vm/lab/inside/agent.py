"""The guest's end of the command channel: one JSON request a line in, one JSON answer a line out.

Runs under `python3 -I -S` as root. Every request has its own thread, so a slow one delays no other.
A request is {"id": n, "op": name, ...arguments}; the answer {"id": n, "result": ...} or {"id": n, "error": text}.
Bytes travel as base64. Times are seconds, except for fields named *_ns.
"""

import base64
import ctypes
import glob
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

CHANNEL = "lab.agent"
TELEMETRY_S = 30.0  # an answer takes no longer
READ_LIMIT = 1 << 18  # bytes of output handed over in one answer
NETVSC_CLASS_ID = "{f8615163-df3e-46c5-913f-f2d2f965ed0e}"
NETVSC_STAGES = "/run/lab/netvsc"
MS_BIND, MS_REC, MNT_DETACH = 4096, 16384, 2
libc = ctypes.CDLL(None, use_errno=True)


def text(data):
    return data.decode(errors="replace")


def bind(source, target, flags=0):
    """mount --bind."""
    if libc.mount(source.encode(), target.encode(), None, MS_BIND | flags, None) != 0:
        raise OSError(ctypes.get_errno(), f"cannot bind {source} over {target}")


def attribute(*path):
    """A sysfs attribute's text; empty if it is not there."""
    try:
        with open(os.path.join(*path)) as file:
            return file.read().strip()
    except OSError:
        return ""


def link_name(*path):
    """The last part of a link's target; empty if it is not there."""
    try:
        return os.path.basename(os.readlink(os.path.join(*path)))
    except OSError:
        return ""


class Process:
    """A background process with its output, all of it, in memory."""

    def __init__(self, command, pty, env):
        self.output = bytearray()
        self.changed = threading.Condition()
        self.drained = False
        self.returncode = None
        if pty:
            self.reader, child_end = os.openpty()
            self.writer = self.reader
            streams = {"stdin": child_end, "stdout": child_end, "stderr": child_end}
            # setsid gives the process its terminal; it is no group leader yet, so it keeps its process id.
            command = ["setsid", "-c", *command]
        else:
            self.reader, child_end = os.pipe()
            child_in, self.writer = os.pipe()
            streams = {"stdin": child_in, "stdout": child_end, "stderr": child_end}
        try:
            self.process = subprocess.Popen(command, env=env, start_new_session=not pty, **streams)
        except OSError:
            os.close(self.reader)
            if self.writer != self.reader:
                os.close(self.writer)
            raise
        finally:
            for descriptor in set(streams.values()):
                os.close(descriptor)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._reap, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = os.read(self.reader, 65536)
            except OSError:  # EIO: every process has closed the terminal
                data = b""
            with self.changed:
                self.output += data
                self.drained = not data
                self.changed.notify_all()
            if not data:
                return

    def _reap(self):
        returncode = self.process.wait()
        with self.changed:
            # What the process wrote last is still on its way; a grandchild may hold the terminal open for ever.
            self.changed.wait_for(lambda: self.drained, 0.5)
            self.returncode = returncode
            self.changed.notify_all()

    def read(self, offset, wait):
        with self.changed:
            self.changed.wait_for(lambda: len(self.output) > offset or self.returncode is not None, wait)
            data = bytes(self.output[offset:offset + READ_LIMIT])
            at_end = offset + len(data) == len(self.output)
            return {"data": base64.b64encode(data).decode(), "returncode": self.returncode if at_end else None}

    def wait(self, wait):
        with self.changed:
            self.changed.wait_for(lambda: self.returncode is not None, wait)
            return self.returncode


class Agent:
    """The requests, each a method named op_<name>."""

    def __init__(self, channel):
        self.channel = channel
        self.lock = threading.Lock()
        self.processes = {}

    def answer(self, message):
        data = json.dumps(message).encode() + b"\n"
        with self.lock:
            while data:
                data = data[os.write(self.channel, data):]

    def handle(self, request):
        number, name = request.pop("id"), request.pop("op")
        try:
            self.answer({"id": number, "result": getattr(self, "op_" + name)(**request)})
        except Exception as error:  # the host raises it there
            self.answer({"id": number, "error": f"{type(error).__name__}: {error}"})

    def serve(self):
        os.read(0, 1)  # standard input ends when the guest is ready
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        self.answer({"hello": time.monotonic_ns()})
        pending = b""
        while True:
            data = os.read(self.channel, 65536)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                threading.Thread(target=self.handle, args=(json.loads(line),), daemon=True).start()

    def op_monotonic_ns(self):
        return time.monotonic_ns()

    def op_run(self, command, timeout, env, stdin):
        process = subprocess.Popen(
            command, env={**os.environ, **env}, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        timed_out = False
        try:
            out, err = process.communicate(stdin.encode(), timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        return {"returncode": process.returncode, "timed_out": timed_out, "stdout": text(out), "stderr": text(err)}

    def op_spawn(self, name, command, pty, env):
        with self.lock:
            if name in self.processes and self.processes[name].returncode is None:
                raise ValueError(f"a process named {name} is still running")
            self.processes[name] = Process(command, pty, {**os.environ, **env})
        return self.processes[name].process.pid

    def op_read(self, name, offset, wait):
        return self.processes[name].read(offset, wait)

    def op_wait(self, name, wait):
        return self.processes[name].wait(wait)

    def op_send(self, name, data):
        os.write(self.processes[name].writer, base64.b64decode(data))

    def op_signal(self, name, number):
        """Whether there was any process to send it to."""
        try:
            os.killpg(self.processes[name].process.pid, number)
        except ProcessLookupError:
            return False
        return True

    def op_read_file(self, path):
        with open(path, "rb") as file:
            return base64.b64encode(file.read()).decode()

    def op_write_file(self, path, data, mode):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(base64.b64decode(data))

    def op_telemetry(self, prefix, command):
        """A DPDK application's answer to one command of its telemetry socket, protocol version 2."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as application:
            application.settimeout(TELEMETRY_S)
            application.connect(f"/var/run/dpdk/{prefix}/dpdk_telemetry.v2")
            greeting = json.loads(application.recv(1024))
            application.send(command.encode())
            return application.recv(greeting["max_output_len"]).decode()

    def op_glob(self, patterns, wait):
        """The paths that match, as soon as there is one; none after `wait` seconds."""
        until = time.monotonic() + wait
        while True:
            found = [path for pattern in patterns for path in glob.glob(pattern)]
            if found or time.monotonic() >= until:
                return found
            time.sleep(0.01)

    def op_netdevs(self):
        base = "/sys/class/net"
        return [{"name": name, "ifindex": int(attribute(base, name, "ifindex") or 0),
                 "mac": attribute(base, name, "address"), "driver": link_name(base, name, "device/driver"),
                 "bus_id": link_name(base, name, "device")}
                for name in sorted(os.listdir(base)) if os.path.isdir(os.path.join(base, name))]

    def op_make_netvsc(self, ifname):
        """Binds over the netdevice's device folder a staged one with the same entries and a class_id.

        Links are copied, everything else is bound, so relative links, renames and moves between network namespaces
        go on as before.
        """
        link = f"/sys/class/net/{ifname}/device"
        if not os.path.isdir(link):
            raise ValueError(f"netdevice {ifname} has no device")
        device = os.path.realpath(link)
        if os.path.exists(f"{device}/class_id"):
            return
        stage = f"{NETVSC_STAGES}/{os.path.basename(device)}"
        if os.path.exists(stage):  # an earlier device had the same name
            for name in os.listdir(stage):
                libc.umount2(f"{stage}/{name}".encode(), MNT_DETACH)
            shutil.rmtree(stage)
        os.makedirs(stage)
        for entry in os.scandir(device):
            staged = f"{stage}/{entry.name}"
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), staged)
                continue
            if entry.is_dir():
                os.mkdir(staged)
            else:
                open(staged, "x").close()
            bind(entry.path, staged)
        with open(f"{stage}/class_id", "x") as file:
            file.write(NETVSC_CLASS_ID + "\n")
        os.chmod(f"{stage}/class_id", 0o444)
        bind(stage, device, MS_REC)


def make_static_nodes():
    """The device nodes that load their module when opened (/dev/net/tun, /dev/vfio/vfio), as udev makes them."""
    with open(f"/lib/modules/{os.uname().release}/modules.devname") as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    for _, name, device in rows:
        path = f"/dev/{name}"
        major, minor = map(int, device[1:].split(":"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.exists(path):
            os.mknod(path, (stat.S_IFBLK if device[0] == "b" else stat.S_IFCHR) | 0o600, os.makedev(major, minor))


def open_channel():
    for name_file in glob.glob("/sys/class/virtio-ports/*/name"):
        with open(name_file) as file:
            if file.read().strip() == CHANNEL:
                return os.open("/dev/" + name_file.split("/")[-2], os.O_RDWR)
    raise SystemExit(f"no virtio port named {CHANNEL}")


if __name__ == "__main__":
    make_static_nodes()
    Agent(open_channel()).serve()
