# SPDX-License-Identifier: BSD-3-Clause
"""How everything that is installed was compiled and linked: what an attacker who found an error would have to overcome.

The programs are those `meson install` would install, so a new one is checked without being named here. A build with
sanitizers, for coverage or without optimization has not all of this: it is for tests only.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import unittest
from pathlib import Path

from elftools.elf.constants import P_FLAGS
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

BUILD = Path(os.environ.get("NETVSC_BUILD") or Path(__file__).resolve().parents[2] / "build")
TOP = Path(__file__).resolve().parents[2]

# Of glibc's functions with a checking twin those that a compiler given _FORTIFY_SOURCE cannot but replace: their twin
# does not need to know an object's size to be of use.
ALWAYS_FORTIFIED = {"printf", "fprintf", "vprintf", "vfprintf", "dprintf", "vdprintf", "syslog", "longjmp"}

# What leaves no trace in an ELF file that could be relied on: the C runtime of Debian 12 has no mark of -fcf-protection,
# so nothing linked with it has one.
FLAGS = {"-fstack-protector-strong", "-fstack-clash-protection"}
if platform.machine() in ("x86_64", "i686"):
    FLAGS.add("-fcf-protection")

# What each shared object is called by; everything else is its own business.
EXPORTS = {
    "dpdkevents.so": {"module_register"},
    "librte_net_vdev_netvsc.so": set(re.findall(
        r"\brte_\w+(?=;)", (TOP / "drivers/net/vdev_netvsc/version.map").read_text())),
    "librte_net_virtio_user.so": set(),  # EAL calls its constructors only
}


def introspect(what: str) -> list[dict]:
    return json.loads((BUILD / f"meson-info/intro-{what}.json").read_text())


def unhardened() -> str | None:
    """Why this build has less hardening than what is shipped."""
    option = {option["name"]: option["value"] for option in introspect("buildoptions")}
    if option["b_coverage"]:
        return "built for coverage"
    if option["buildtype"] == "debug":
        return "built without optimization, which _FORTIFY_SOURCE needs"
    return None


def shipped() -> list[Path]:
    """The programs and shared objects that would be installed."""
    return [Path(file) for target in introspect("targets")
            if target["installed"] and target["type"] in ("executable", "shared library", "shared module")
            for file in target["filename"]]


class Program:
    """What of an ELF file matters here."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            elf = ELFFile(file)
            self.position_independent = elf["e_type"] == "ET_DYN"
            self.segments = {segment["p_type"]: segment["p_flags"] for segment in elf.iter_segments()}
            self.loads = [segment["p_flags"] for segment in elf.iter_segments("PT_LOAD")]
            dynamic = elf.get_section_by_name(".dynamic")
            assert isinstance(dynamic, DynamicSection)
            tags = {tag.entry.d_tag: tag.entry.d_val for tag in dynamic.iter_tags()}
            self.tags = set(tags)
            self.bind_now = bool(tags.get("DT_FLAGS", 0) & 0x8) and bool(tags.get("DT_FLAGS_1", 0) & 0x1)
            symbols = elf.get_section_by_name(".dynsym")
            assert isinstance(symbols, SymbolTableSection)
            self.imports = {symbol.name for symbol in symbols.iter_symbols() if symbol["st_shndx"] == "SHN_UNDEF"}
            # SHN_ABS: the names of the versions themselves.
            self.exports = {symbol.name for symbol in symbols.iter_symbols()
                            if symbol["st_shndx"] not in ("SHN_UNDEF", "SHN_ABS")}


@unittest.skipIf(unhardened(), unhardened())
class Hardening(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.programs = {path: Program(path) for path in shipped()}

    def each(self, hold, why: str) -> None:
        """hold(program) is true for all."""
        for path, program in self.programs.items():
            with self.subTest(path.name):
                self.assertTrue(hold(program), f"{path.name} {why}")

    def test_driver_plugin_and_tools_are_checked(self) -> None:
        names = {path.name for path in self.programs}
        self.assertLessEqual({"librte_net_vdev_netvsc.so", "librte_net_virtio_user.so", "ka-agent", "l2fwd-keepalive", "netvsc-status"}, names)

    def test_symbols_are_bound_at_start_and_read_only_then(self) -> None:
        self.each(lambda program: "PT_GNU_RELRO" in program.segments, "has no RELRO segment (-z relro)")
        self.each(lambda program: program.bind_now, "binds lazily, so its GOT stays writable (-z now)")

    def test_addresses_are_random(self) -> None:
        self.each(lambda program: program.position_independent, "is not position-independent (-pie)")
        self.each(lambda program: "DT_TEXTREL" not in program.tags, "has relocations in its code")

    def test_nothing_is_writable_and_executable(self) -> None:
        both = P_FLAGS.PF_W | P_FLAGS.PF_X
        self.each(lambda program: not program.segments["PT_GNU_STACK"] & P_FLAGS.PF_X, "has an executable stack")
        self.each(lambda program: all(flags & both != both for flags in program.loads),
                  "has a segment that is writable and executable")

    def test_stack_is_protected(self) -> None:
        self.each(lambda program: "__stack_chk_fail" in program.imports, "never checks its stack (-fstack-protector-strong)")

    def test_calls_are_fortified(self) -> None:
        self.each(lambda program: not program.imports & ALWAYS_FORTIFIED, "calls what _FORTIFY_SOURCE replaces")
        checked = {path.name for path, program in self.programs.items()
                   if any(re.fullmatch(r"__\w+_chk", name) for name in program.imports)}
        self.assertIn("librte_net_vdev_netvsc.so", checked)

    def test_libraries_are_searched_nowhere_else(self) -> None:
        self.each(lambda program: not program.tags & {"DT_RPATH", "DT_RUNPATH"}, "has a library path of its own")

    def test_nothing_is_exported_but_the_interface(self) -> None:
        for path, program in self.programs.items():
            if path.suffix == ".so":
                with self.subTest(path.name):
                    self.assertEqual(EXPORTS[path.name], program.exports)

    def test_every_file_is_compiled_with_all_of_it(self) -> None:
        """What a symbol cannot show: a file that by chance needed no check."""
        commands = [entry for entry in json.loads((BUILD / "compile_commands.json").read_text())
                    if any(Path(entry["directory"], entry["file"]).resolve().is_relative_to(TOP / folder)
                           for folder in ("lib", "drivers", "app"))]
        self.assertGreater(len(commands), 50)
        for entry in commands:
            words = shlex.split(entry["command"])
            fortify = [word for word in words if word.startswith(("-D_FORTIFY_SOURCE", "-U_FORTIFY_SOURCE"))]
            with self.subTest(entry["file"]):
                self.assertEqual("-D_FORTIFY_SOURCE=3", fortify[-1] if fortify else None)
                self.assertLessEqual(FLAGS, set(words))


if __name__ == "__main__":
    unittest.main()
