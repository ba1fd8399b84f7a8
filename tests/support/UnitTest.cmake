# SPDX-License-Identifier: MIT
# hak_add_unit_test: one Criterion executable on the static core, so that tests
# reach internal symbols while the program around them keeps the libc's malloc.
include_guard(GLOBAL)

# Replaced at link time by tests/support/os_fault.c.
set(HAK_OS_FAULT_SYMBOLS hak_os_reserve hak_os_reserve_sparse hak_os_resize hak_os_move
  hak_os_graft hak_os_can_graft hak_os_purge hak_os_release CACHE INTERNAL "What os_fault.c wraps")

# hak_add_unit_test(NAME SOURCES... [OS_FAULTS] [WRAP SYMBOLS...] [LIBRARIES ...]):
# the executable unit_NAME and the CTest unit.NAME. OS_FAULTS links
# support/os_fault.h, which can make the OS fail. WRAP lists functions of the
# core that the test replaces itself: it defines __wrap_SYMBOL, and reaches the
# original as __real_SYMBOL.
# Criterion aborts under ThreadSanitizer, and under MemorySanitizer what the
# uninstrumented library wrote counts as unset: there the function does nothing.
function(hak_add_unit_test name)
  cmake_parse_arguments(arg "OS_FAULTS" "" "WRAP;LIBRARIES" ${ARGN})
  if(HAKMEM_SANITIZE MATCHES "thread|memory")
    return()
  endif()
  if(NOT arg_UNPARSED_ARGUMENTS) # an executable without a test would pass
    message(FATAL_ERROR "unit test ${name} has no sources; they stand before WRAP and LIBRARIES")
  endif()
  find_library(CRITERION_LIBRARY criterion)
  if(NOT CRITERION_LIBRARY)
    message(FATAL_ERROR "Criterion is missing; install it with: apt-get install libcriterion-dev")
  endif()
  add_executable(unit_${name} ${arg_UNPARSED_ARGUMENTS})
  if(arg_OS_FAULTS)
    target_sources(unit_${name} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/os_fault.c)
    list(APPEND arg_WRAP ${HAK_OS_FAULT_SYMBOLS})
  endif()
  target_include_directories(unit_${name} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/..)
  target_link_libraries(unit_${name} PRIVATE
    ${arg_LIBRARIES} hakmem_test_support hakmem_core ${CRITERION_LIBRARY})
  foreach(symbol IN LISTS arg_WRAP)
    target_link_options(unit_${name} PRIVATE -Wl,--wrap=${symbol})
  endforeach()
  set(jobs 2)
  if(HAKMEM_SANITIZE MATCHES "address") # its parallel runner leaks, and LeakSanitizer says so
    set(jobs 1)
  endif()
  add_test(NAME unit.${name} COMMAND unit_${name} --jobs ${jobs})
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT 600 LABELS unit)
endfunction()
