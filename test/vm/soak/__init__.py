# SPDX-License-Identifier: BSD-3-Clause
"""What test_soak.py does at random, what must be so after each of it, and what is written down when it is not."""
