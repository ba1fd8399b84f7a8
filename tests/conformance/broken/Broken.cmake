# SPDX-License-Identifier: MIT
# The cases against the shim, one planted fault at a time: each fault must be
# found, by the case named here and with the words named here. A fault that no
# row names would go unnoticed, so the list is compared with shim.h's.
add_library(broken_shim STATIC broken/shim.c broken/shim_core.c)
target_link_libraries(broken_shim PUBLIC hakmem_flags)
target_include_directories(broken_shim PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/broken)
hak_conformance(conformance_broken runner_plain.c SOURCES ${conformance_cases}
  DEFINITIONS FAMILY_PREFIXED LIBRARY broken_shim)

# fault | case | exit status | words that must appear
set(broken_rows
  "given_twice|blocks_keep_their_contents|1|after other calls of malloc"
  "class_one_short|neighbours_of_each_small_size|1|overlaps a live one"
  "calloc_tail|zero_after_dirty_reuse_at_every_small_size|1|from calloc of a reused block is 0xa5, not 0"
  "calloc_wraps|calloc::overflow_gives_enomem|1|calloc.*gave 0x"
  "realloc_rounds_copy|shrinking_into_holes|1|after shrinking of other blocks"
  "realloc_loses_tail|growing_byte_by_byte|1|after growing by one byte"
  "realloc_failure_frees|realloc::failure_leaves_the_old_block_intact|1|ended by Aborted"
  "realloc_zero_allocates|size_zero_frees_and_returns_null|1|0. gave 0x"
  "alignment_of_own_size|aligned_alloc::every_power_of_two|1|alignment 256, size 256: block at"
  "alignment_unchecked|not_a_power_of_two|1|aligned_alloc.0, 64. gave"
  "alignment_limit_low|aligned_alloc::impossible_alignments|1|aligned_alloc.2.63, 64.: .nil., errno 22"
  "usable_too_large|every_size::neighbours|1|overlaps a live one"
  "zero_is_null|malloc::zero_size|1|malloc.0. gave NULL"
  "no_enomem|malloc::impossible_sizes|1|left errno at 0"
  "free_sets_errno|free::keeps_errno_at_every_size|1|changed errno to 22"
  "memalign_sets_errno|posix_memalign::success_leaves_errno_alone|1|set errno to 12"
  "memalign_writes_result|posix_memalign::impossible_sizes|1|failed and yet wrote"
  "pvalloc_keeps_size|pvalloc::whole_os_pages|1|usable size 1 of a block of 4096"
  "trim_does_nothing|malloc_trim::gives_memory_back|1|bytes resident with 64 small blocks live"
  "free_sized_leaks|free_sized::really_frees|1|after_bytes < before_bytes"
  "fork_keeps_lock|fork::|1|child .* of 60 ended with 0xe"
  "crash_in_realloc|realloc::null_is_malloc|0|1 passed, 0 failed"
  "crash_in_realloc|realloc::between_all_pairs|1|ended by Segmentation fault"
  "none|malloc_|0|passed, 0 failed")

set(unplanted "")
file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/broken/shim.h fault_lines REGEX "^ +X\\([a-z_0-9]+, ")
foreach(line IN LISTS fault_lines)
  string(REGEX REPLACE "^ +X\\(([a-z_0-9]+),.*" "\\1" fault "${line}")
  if(NOT "${broken_rows}" MATCHES "(^|;)${fault}\\|")
    list(APPEND unplanted ${fault})
  endif()
endforeach()
if(unplanted)
  message(FATAL_ERROR "broken/shim.h has faults that no conformance case is tried on: ${unplanted}")
endif()

foreach(row IN LISTS broken_rows)
  string(REPLACE "|" ";" fields "${row}")
  list(GET fields 0 fault)
  list(GET fields 1 only)
  list(GET fields 2 status)
  list(GET fields 3 words)
  string(MAKE_C_IDENTIFIER "${only}" only_id)
  add_test(NAME conformance_can_fail.${fault}.${only_id}
    COMMAND ${CMAKE_COMMAND} "-DFAULT=${fault}" "-DSTATUS=${status}" "-DWORDS=${words}"
            "-DCOMMAND=$<TARGET_FILE:conformance_broken>;--only;${only}"
            -P ${CMAKE_CURRENT_SOURCE_DIR}/broken/expect.cmake)
endforeach()
