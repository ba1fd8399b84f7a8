# SPDX-License-Identifier: MIT
# What the command-line programs share (README.md says what). Two libraries of the same sources:
#   hakmem_command        with hakmem_flags, for programs that have the build's sanitizers
#   hakmem_command_plain  without sanitizers and coverage, for programs that only watch
# Needs hakmem_flags.
include_guard(GLOBAL)
get_filename_component(command_root ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)
foreach(name hakmem_command hakmem_command_plain)
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/command_line.c
    ${CMAKE_CURRENT_LIST_DIR}/output_file.c ${CMAKE_CURRENT_LIST_DIR}/interrupt.c)
  target_include_directories(${name} PUBLIC ${command_root} PRIVATE ${command_root}/include)
endforeach()
target_link_libraries(hakmem_command PRIVATE hakmem_flags)
get_target_property(command_options hakmem_flags INTERFACE_COMPILE_OPTIONS)
list(FILTER command_options EXCLUDE REGEX "sanitize|-fprofile|-fcoverage")
target_compile_options(hakmem_command_plain PRIVATE ${command_options})
target_compile_features(hakmem_command_plain PRIVATE c_std_11)
target_compile_definitions(hakmem_command_plain PRIVATE _GNU_SOURCE)
