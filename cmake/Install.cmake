# SPDX-License-Identifier: MIT
# `cmake --install`: the drop-in libraries, the public headers, the programs,
# find_package(hakmem) and pkg-config.
#
# A release and a checked build may go to the same prefix: their libraries,
# target files and .pc files have names of their own, and the one
# hakmemConfig.cmake loads whichever of the two is there.
#
#   build     find_package targets                       pkg-config
#   release   hakmem::hakmem   hakmem::static            hakmem
#   checked   hakmem::checked  hakmem::checked_static    hakmem-checked
include(CMakePackageConfigHelpers)

# Sanitizer builds have no drop-in library: the sanitizer's malloc is in charge.
if(NOT TARGET hakmem_shared)
  return()
endif()

get_target_property(pc_library hakmem_shared OUTPUT_NAME)
if(HAKMEM_CHECK_LEVEL GREATER 0)
  set(shared_export checked)
  set(static_export checked_static)
  set(pc_description "drop-in malloc, checked build (every invariant on)")
else()
  set(shared_export hakmem)
  set(static_export static)
  set(pc_description "drop-in malloc with adaptive per-thread caches")
endif()

set_target_properties(hakmem_shared PROPERTIES EXPORT_NAME ${shared_export})
set_target_properties(hakmem_static PROPERTIES EXPORT_NAME ${static_export})
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hakmem)

install(TARGETS hakmem_shared hakmem_static EXPORT ${pc_library}Targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/hakmem.h ${PROJECT_SOURCE_DIR}/include/hakmem_inline.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(EXPORT ${pc_library}Targets NAMESPACE hakmem:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/hakmemConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/hakmemConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/hakmemConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/hakmemConfig.cmake
  ${PROJECT_BINARY_DIR}/package/hakmemConfigVersion.cmake DESTINATION ${package_dir})

# The .pc file finds its prefix from where it is, so that the prefix may still be
# chosen at install time, and moved.
file(RELATIVE_PATH pc_to_prefix /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(${PROJECT_SOURCE_DIR}/cmake/hakmem.pc.in
  ${PROJECT_BINARY_DIR}/package/${pc_library}.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/${pc_library}.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The drivers install themselves (stress/, runner/); these are installed from here.
foreach(program hakmem-hunt hakmem-bench)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
