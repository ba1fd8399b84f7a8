# SPDX-License-Identifier: MIT
"""ci/bench: compares allocators on hakmem-bench's workloads and on real
programs, counts instructions, and holds the performance gate.

Bottom up: stats (pure), allocators, rows, measure, programs, schedule,
summary (pure), table, page, instructions, gate, cli.
"""
