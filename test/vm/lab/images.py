"""What QEMU boots: the kernel, unpacked, and a small initial RAM file system.

The files are cached under names made of the kernel's version and a hash of the content, and put in place by
rename, so that several labs may build them at once.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import struct
import tempfile
from pathlib import Path

from . import dpdk_drivers
from .errors import LabError

INSIDE = Path(__file__).parent / "inside"
SYSTEM = Path("/")
BESIDE = Path(__file__).resolve().parents[3] / ".deps/kernel"  # a kernel that scripts/setup has unpacked

# What stands between the kernel and a root file system over 9p, and the agent's channel.
EARLY_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console")


def newest_kernel(release: str = "") -> str:
    """Version of the newest kernel that has its modules installed: of the system, or with `release`, with which it is to
    begin, of those in BESIDE too."""
    found = [path.name.removeprefix("vmlinuz-") for root in ((SYSTEM, BESIDE) if release else (SYSTEM,))
             for path in (root / "boot").glob(f"vmlinuz-{release}*")]
    found = [version for version in found if kernel_root(version)]
    if not found:
        raise LabError(f"no kernel: /boot/vmlinuz-{release}* with /lib/modules/<version> (scripts/setup installs it)")

    def numbers(version: str) -> list[int]:
        return [int(part) for part in version.replace("-", ".").replace("+", ".").split(".") if part.isdigit()]
    return max(found, key=numbers)


def kernel_root(version: str) -> Path | None:
    """The folder below which a kernel's files are, as the system's are below /."""
    return next((root for root in (SYSTEM, BESIDE) if (root / "lib/modules" / version / "modules.dep").exists()), None)


def _file(version: str, path: str) -> Path:
    """A file of a kernel, by its path below kernel_root()."""
    return (kernel_root(version) or SYSTEM) / path


def _module_name(path: str) -> str:
    return Path(path).name.split(".ko")[0].replace("-", "_")


def resolve_modules(version: str, names: tuple[str, ...]) -> list[Path]:
    """Files of the modules `names` and of all they need, in the order to insert them.

    Modules built into the kernel are left out; an unknown one raises LabError.
    """
    folder = _file(version, f"lib/modules/{version}")
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


def _cached(target: Path, content: bytes) -> Path:
    """Puts `content` in place as `target`, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".new-", delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.rename(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise
    return target


def kernel_image(version: str, cache_dir: Path) -> Path:
    """The kernel to boot: the one inside an XZ-compressed bzImage, unpacked, as the emulated CPU takes 2.5 s to do it.

    An unpacked one is entered through its PVH note; a kernel that has none or is packed otherwise boots as it is.
    """
    packed = _file(version, f"boot/vmlinuz-{version}")
    image = packed.read_bytes()
    config = _file(version, f"boot/config-{version}")
    if not config.exists() or "CONFIG_PVH=y\n" not in config.read_text():
        return packed
    target = cache_dir / f"vmlinux-{version}-{hashlib.sha256(image).hexdigest()[:16]}"
    if target.exists():
        return target
    # Documentation/arch/x86/boot.rst: setup_sects at 0x1f1, payload_offset and payload_length at 0x248; the payload
    # ends with its unpacked size, four bytes that are not XZ's.
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1f1] + 1) * 512 + offset
    payload = image[start:start + length - 4]
    if not payload.startswith(b"\xfd7zXZ\0"):
        return packed
    return _cached(target, lzma.decompress(payload))


def initramfs(version: str, cache_dir: Path) -> Path:
    """The initial RAM file system for kernel `version`, an uncompressed newc archive: busybox, a few modules, our init
    and agent. Taken from `cache_dir`, or made there."""
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
    files.append(("lab/dpdk_drivers", plain, 0, dpdk_drivers.script()))
    image = _archive(files)
    target = cache_dir / f"initramfs-{version}-{hashlib.sha256(image).hexdigest()[:16]}.cpio"
    return target if target.exists() else _cached(target, image)
