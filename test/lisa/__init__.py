# SPDX-License-Identifier: BSD-3-Clause
"""Cases of the dpdk suite of Microsoft's LISA (https://github.com/microsoft/lisa), in the lab: scripts/lisa.

The names, command lines and criteria are LISA's (lisa/microsoft/testsuites/dpdk). The code is this project's own.
"""
