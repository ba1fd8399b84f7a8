# SPDX-License-Identifier: MIT
"""The machinery behind the ci/ commands. Python's standard library only."""
