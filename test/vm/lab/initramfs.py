"""Builds the small initial RAM file system: busybox, a few kernel modules, our init and agent.

The image is an uncompressed newc archive. It is cached under a name made of the kernel's version and
a hash of the content, and put in place by rename, so that several labs may build it at once.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import tempfile
from pathlib import Path

from .errors import LabError

INSIDE = Path(__file__).parent / "inside"

# What stands between the kernel and a root file system over 9p, and the agent's channel.
EARLY_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console")


def newest_kernel() -> str:
    """Version of the newest kernel in /boot that has its modules installed."""
    found = [path.name.removeprefix("vmlinuz-") for path in Path("/boot").glob("vmlinuz-*")]
    found = [version for version in found if (Path("/lib/modules") / version / "modules.dep").exists()]
    if not found:
        raise LabError("no kernel: /boot/vmlinuz-* with /lib/modules/<version> (package linux-image-amd64)")

    def numbers(version: str) -> list[int]:
        return [int(part) for part in version.replace("-", ".").replace("+", ".").split(".") if part.isdigit()]
    return max(found, key=numbers)


def _module_name(path: str) -> str:
    return Path(path).name.split(".ko")[0].replace("-", "_")


def resolve_modules(version: str, names: tuple[str, ...]) -> list[Path]:
    """Files of the modules `names` and of all they need, in the order to insert them.

    Modules built into the kernel are left out; an unknown one raises LabError.
    """
    folder = Path("/lib/modules") / version
    needs: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        paths[_module_name(path)] = path
        needs[_module_name(path)] = [_module_name(other) for other in rest.split()]
    builtin = {_module_name(line) for line in (folder / "modules.builtin").read_text().splitlines()}
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order or name in builtin:
            return
        if name not in paths:
            raise LabError(f"kernel {version} has no module {name} ({folder}/modules.dep)")
        for other in reversed(needs[name]):
            visit(other)
        order.append(name)

    for name in names:
        visit(name.replace("-", "_"))
    return [folder / paths[name] for name in order]


def _module_content(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".ko":
        return data
    if path.suffix == ".xz":
        return lzma.decompress(data)
    raise LabError(f"{path}: modules compressed as *{path.suffix} are not supported")


def _archive(files: list[tuple[str, int, int, bytes]]) -> bytes:
    """A newc archive of (path, mode, device number, content)."""
    out = bytearray()
    for inode, (path, mode, device, data) in enumerate(files + [("TRAILER!!!", 0, 0, b"")], start=1):
        name = path.encode() + b"\0"
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, os.major(device), os.minor(device), len(name), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def build(version: str, cache_dir: Path) -> Path:
    """The image for kernel `version`: taken from `cache_dir`, or made there."""
    busybox = Path("/usr/bin/busybox")
    if not busybox.exists():
        raise LabError(f"{busybox} is missing (package busybox-static)")
    plain, executable = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755
    files = [(name, stat.S_IFDIR | 0o755, 0, b"")
             for name in ("dev", "proc", "sys", "host", "rw", "newroot", "bin", "modules", "lab")]
    files.append(("dev/console", stat.S_IFCHR | 0o600, os.makedev(5, 1), b""))
    files.append(("bin/busybox", executable, 0, busybox.read_bytes()))
    for number, path in enumerate(resolve_modules(version, EARLY_MODULES)):
        files.append((f"modules/{number:02}-{_module_name(path.name)}.ko", plain, 0, _module_content(path)))
    files.append(("init", executable, 0, (INSIDE / "init").read_bytes()))
    for name in ("stage2", "agent.py"):
        files.append((f"lab/{name}", executable, 0, (INSIDE / name).read_bytes()))
    image = _archive(files)
    target = cache_dir / f"initramfs-{version}-{hashlib.sha256(image).hexdigest()[:16]}.cpio"
    if not target.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cache_dir, prefix=".initramfs-", delete=False) as file:
            try:
                file.write(image)
                file.close()
                os.rename(file.name, target)
            except BaseException:
                os.unlink(file.name)
                raise
    return target
