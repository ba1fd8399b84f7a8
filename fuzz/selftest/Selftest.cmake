# SPDX-License-Identifier: MIT
# Shows that the harness and the model of fuzz_api can fail: the same replayer
# on the broken allocator of tests/conformance/broken, one fault at a time,
# must exit 1 with the model's words for that fault; and on the same allocator
# with no fault it must pass.
if(TARGET broken_shim)
  add_executable(replay_api_broken ${fuzz_harness_sources}
    harness/replay_main.c harness/generate.c harness/fault_none.c
    api/calls.c api/guard_none.c api/model.c api/session.c api/table.c)
  target_include_directories(replay_api_broken PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_options(replay_api_broken PRIVATE -O2)
  target_link_libraries(replay_api_broken PRIVATE broken_shim hakmem_command)

  # fault | exit status | words that must appear
  foreach(row
      "none|0|500 inputs"
      "given_twice|1|MODEL: (overlap|contents): "
      "class_one_short|1|MODEL: (overlap|contents): "
      "calloc_tail|1|MODEL: zeroing: byte [0-9]+ of [0-9]+ from calloc is 0x"
      "calloc_wraps|1|MODEL: calloc: gave 0x[0-9a-f]+ for a request that cannot be met"
      "realloc_rounds_copy|1|MODEL: contents: byte "
      "realloc_loses_tail|1|MODEL: contents: byte [0-9]+ of .*kept by realloc"
      "realloc_failure_frees|1|(signal 6 at |MODEL: overlap: )"
      "realloc_zero_allocates|1|MODEL: realloc: to 0 bytes gave 0x"
      "alignment_of_own_size|1|MODEL: alignment: .* not a multiple of (256|512|1024)"
      "alignment_unchecked|1|alignment [0-9]+ (gave 0x|returned 0)"
      "usable_too_large|1|MODEL: usable size: .* overlap"
      "zero_is_null|1|MODEL: (malloc|calloc|realloc)[a-z_]*: gave NULL"
      "no_enomem|1|MODEL: [a-z_]+: failed with errno 23130, not ENOMEM"
      "free_sets_errno|1|MODEL: free[a-z_]*: set errno to 22"
      "memalign_sets_errno|1|MODEL: posix_memalign: set errno to 12"
      "memalign_writes_result|1|MODEL: posix_memalign: returned 12 and yet wrote"
      "pvalloc_keeps_size|1|MODEL: usable size: [0-9]+ of a block of [0-9]+ .pvalloc"
      "crash_in_realloc|1|signal 11 at operation [0-9]+ of [0-9]+; the program so far:.*--> ")
    string(REPLACE "|" ";" fields "${row}")
    list(POP_FRONT fields fault status)
    string(REPLACE ";" "|" words "${fields}")
    add_test(NAME fuzz_can_fail.${fault}
      COMMAND ${CMAKE_COMMAND} "-DFAULT=${fault}" "-DSTATUS=${status}" "-DWORDS=${words}"
              "-DCOMMAND=$<TARGET_FILE:replay_api_broken>;--random=1;500"
              -P ${CMAKE_SOURCE_DIR}/tests/conformance/broken/expect.cmake)
    set_tests_properties(fuzz_can_fail.${fault} PROPERTIES LABELS fuzz TIMEOUT 120)
  endforeach()

  # What Memcheck sees is a failure of the replay, whatever its own exit status.
  if(NOT HAKMEM_SANITIZE)
    add_test(NAME fuzz_can_fail.memcheck
      COMMAND ${CMAKE_COMMAND} -DFAULT=crash_in_realloc -DSTATUS=99 -DWORDS=Invalid.read.of.size
              "-DCOMMAND=${fuzz_memcheck};$<TARGET_FILE:replay_api_broken>;--random=1;500"
              -P ${CMAKE_SOURCE_DIR}/tests/conformance/broken/expect.cmake)
    set_tests_properties(fuzz_can_fail.memcheck PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()

  # The audit fails when a bucket stays empty: one input cannot fill them all.
  add_test(NAME fuzz_can_fail.audit
    COMMAND ${CMAKE_COMMAND} -DFAULT=none -DSTATUS=1 "-DWORDS=EMPTY.*FAILED: [0-9]+ of the declared"
            "-DCOMMAND=$<TARGET_FILE:replay_api_broken>;--audit=1;1"
            -P ${CMAKE_SOURCE_DIR}/tests/conformance/broken/expect.cmake)
  set_tests_properties(fuzz_can_fail.audit PROPERTIES LABELS fuzz TIMEOUT 120)
endif()

# Tests made by --emit-test compile as they are, and pass.
add_custom_command(OUTPUT emitted_test.c
  COMMAND $<TARGET_FILE:replay_api> --emit-test ${CMAKE_CURRENT_SOURCE_DIR}/corpus/api/tour > emitted_test.c
  DEPENDS replay_api ${CMAKE_CURRENT_SOURCE_DIR}/corpus/api/tour VERBATIM)
if(NOT HAKMEM_SANITIZE MATCHES "thread|memory")
  add_executable(fuzz_emitted_test ${CMAKE_CURRENT_BINARY_DIR}/emitted_test.c)
  target_link_libraries(fuzz_emitted_test PRIVATE fuzz_api_model fuzz_harness hakmem_core criterion)
  target_link_options(fuzz_emitted_test PRIVATE ${fuzz_wraps})
  add_test(NAME fuzz_emitted_test COMMAND fuzz_emitted_test)
  set_tests_properties(fuzz_emitted_test PROPERTIES LABELS fuzz TIMEOUT 120)
endif()

# The component targets can fail: each on a copy of one file of the allocator with one
# text changed, linked before the rest. The checks are compiled out here, so that the
# model alone must see it. The text must be there exactly once. (`ci/bugbank --also`
# does the same with libFuzzer and the project's whole history.)
function(hak_fuzz_can_fail target fault source old new)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${source})
  file(READ ${CMAKE_SOURCE_DIR}/${source} text)
  string(REPLACE "${old}" "" without "${text}")
  string(LENGTH "${text}" length)
  string(LENGTH "${without}" left)
  string(LENGTH "${old}" once)
  math(EXPR expected "${length} - ${once}")
  if(NOT left EQUAL expected)
    message(FATAL_ERROR "${source} does not have '${old}' exactly once; "
                        "fuzz_can_fail.${target}.${fault} needs another text")
  endif()
  string(REPLACE "${old}" "${new}" text "${text}")
  cmake_path(GET source FILENAME name)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/can_fail/${fault}/${name} CONTENT "${text}" @ONLY)
  set(program replay_${target}_${fault})
  get_target_property(options replay_${target} LINK_OPTIONS)
  get_target_property(libraries replay_${target} LINK_LIBRARIES)
  add_executable(${program} harness/replay_main.c harness/generate.c
    ${CMAKE_CURRENT_BINARY_DIR}/can_fail/${fault}/${name})
  target_compile_definitions(${program} PRIVATE HAK_PREWARM_TLS_DEFAULT=0)
  target_link_libraries(${program} PRIVATE ${libraries})
  target_link_options(${program} PRIVATE ${options})
  add_test(NAME fuzz_can_fail.${target}.${fault}
    COMMAND ${CMAKE_COMMAND} -DFAULT=none -DSTATUS=1 "-DWORDS=fuzz_${target}: MODEL: "
            "-DCOMMAND=$<TARGET_FILE:${program}>;--random=1;2000"
            -P ${CMAKE_SOURCE_DIR}/tests/conformance/broken/expect.cmake)
  set_tests_properties(fuzz_can_fail.${target}.${fault} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()

if(HAKMEM_CHECK_LEVEL EQUAL 0 AND NOT HAKMEM_SANITIZE)
  hak_fuzz_can_fail(adaptive shrinks_below_16 src/tcache/adaptive.c
    "capacity > TLS_CACHE_MIN_CAPACITY" "capacity >= TLS_CACHE_MIN_CAPACITY")
  hak_fuzz_can_fail(adaptive reuse_leaves_a_quarter src/tcache/adaptive.c
    "sizing->capacity : sizing->capacity / 2" "sizing->capacity : sizing->capacity / 4")
  hak_fuzz_can_fail(adaptive allowance_a_class src/tcache/tcache_resize.c
    "c != class_index ? excess_bytes" "c > class_index ? excess_bytes")
  hak_fuzz_can_fail(adaptive seldom_swings_grow src/tcache/adaptive.c
    "refill_count * SELDOM_NS" "refill_count * SELDOM_NS * SELDOM_NS")
  hak_fuzz_can_fail(superslab first_slab_unmarked src/superslab/superslab.c
    "superslab->bitmap |= mask" "superslab->bitmap |= first == 0 ? 0 : mask")
  hak_fuzz_can_fail(bigcache bytes_drift src/big/big_table.c
    "table->cached_bytes -= mapping->size_bytes" "table->cached_bytes -= 1")
  hak_fuzz_can_fail(l25 aligned_runs_overlap src/l25/l25_chunk.c
    "if ((bits & mask) == mask) {" "if ((bits & mask) != 0) {")
  hak_fuzz_can_fail(region owner_stays src/region/region_map.c
    "hak_store_relaxed(owner_cell((uintptr_t)address), NULL)" "(void)address")
  hak_fuzz_can_fail(cli capacity_of_8 src/base/config.c
    "number < 16" "number < 8")
endif()
