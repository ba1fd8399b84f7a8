# SPDX-License-Identifier: MIT
"""report.html: one page with everything in it, for people."""


def page(result, out):
    return ""
