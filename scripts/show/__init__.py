# SPDX-License-Identifier: BSD-3-Clause
"""What scripts/run shows: the NetVSC interfaces of a Hyper-V machine, or the driver at work in the lab."""
