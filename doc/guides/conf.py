# SPDX-License-Identifier: BSD-3-Clause
"""Sphinx configuration of the guides. Needs nothing but Sphinx itself, and no network."""

import pathlib
import re

_top = pathlib.Path(__file__).resolve().parents[2]
_version = re.search(r"version: '([^']+)'", (_top / "meson.build").read_text(encoding="utf-8"))

project = "dpdk-vdev-netvsc"
author = "dpdk-vdev-netvsc contributors"
copyright = author  # pylint: disable=redefined-builtin
release = _version[1] if _version else ""
version = release

language = "en"
highlight_language = "none"
smartquotes = False  # options are written with two hyphens

html_theme = "classic"
html_theme_options = {"sidebarwidth": 260, "body_max_width": "60em"}
html_show_copyright = False
html_copy_source = False
html_title = f"{project} {release}"

# Of the same sources as the guides: name, title, section.
man_pages = [
    (f"sample_app_ug/{name.replace('-', '_')}", name, title, [], 1)
    for name, title in {
        "ka-agent": "reports dead lcores of a DPDK application",
        "l2fwd-keepalive": "forwards frames and restarts lcores that die",
        "netvsc-doctor": "checks a machine before net_vdev_netvsc is used on it",
        "netvsc-scheduled-events": "holds VFs during Azure's Scheduled Events",
        "netvsc-status": "shows the ports of net_vdev_netvsc in DPDK applications",
    }.items()
] + [("nics/vdev_netvsc", "net_vdev_netvsc", "DPDK driver for NetVSC interfaces and their VFs", [], 7)]
