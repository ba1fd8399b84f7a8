# SPDX-License-Identifier: MIT
# hakmem_flags: what every target of the project is compiled with.
add_library(hakmem_flags INTERFACE)
target_compile_features(hakmem_flags INTERFACE c_std_11 cxx_std_17)
target_include_directories(hakmem_flags INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>)
target_compile_definitions(hakmem_flags INTERFACE _GNU_SOURCE)
set(hakmem_error -Werror)
if(DEFINED ENV{LIB_FUZZING_ENGINE})
  set(hakmem_error "") # ClusterFuzz's compiler is newer than those that CI tries
endif()
target_compile_options(hakmem_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion ${hakmem_error}
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
  # Reports name files from the tree's root, wherever it was built.
  -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=
  # Release has no debug information: it names every check of the catalogue.
  -fno-omit-frame-pointer $<$<NOT:$<CONFIG:Release>>:-g>)

if(HAKMEM_SANITIZE)
  target_compile_options(hakmem_flags INTERFACE -fsanitize=${HAKMEM_SANITIZE})
  target_link_options(hakmem_flags INTERFACE -fsanitize=${HAKMEM_SANITIZE})
  if(HAKMEM_SANITIZE MATCHES "undefined")
    target_compile_options(hakmem_flags INTERFACE -fno-sanitize-recover=all)
  endif()
endif()
if(HAKMEM_COVERAGE)
  target_compile_options(hakmem_flags INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(hakmem_flags INTERFACE -fprofile-instr-generate)
endif()
