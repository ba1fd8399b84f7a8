# SPDX-License-Identifier: MIT
# hunt_add_scenarios(NAME [INSTRUMENT source...] [SOURCES source...] [WRAP function...]
#                    [INCLUDES dir...] [DEFINITIONS definition...] [OPTIONS compiler-option...])
#
# Makes NAME, a target to link programs to: the scenarios and the code under test, with the engine.
#   INSTRUMENT  compiled with -fsanitize=thread and linked without the sanitizer's runtime: the code
#               under test, and scenario files whose bodies use atomics or shared data themselves
#   SOURCES     compiled as usual: what shall not be observed
#   WRAP        functions of the code under test that the scenarios replace (HUNT_MAP_LOCK in hunt.h)
#
# hunt_observe(TARGET): compiles a target that is not of hunt_add_scenarios so that it is observed.
# hunt_add_gate(NAME PROGRAM scenario... [PREEMPTIONS c]): one test a scenario, "complete, and nothing found".

# Replaced by the engine for everything linked with it; outside schedules they do what they always did.
set(HUNT_WRAPPED
  memset memcpy memmove malloc calloc realloc aligned_alloc free
  mmap munmap mremap madvise mprotect sched_yield nanosleep usleep clock_gettime write syscall
  pthread_mutex_lock pthread_mutex_trylock pthread_mutex_unlock
  pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_rwlock_tryrdlock pthread_rwlock_trywrlock
  pthread_rwlock_unlock pthread_spin_lock pthread_spin_trylock pthread_spin_unlock
  pthread_cond_wait pthread_cond_timedwait pthread_cond_signal pthread_cond_broadcast pthread_once
  pthread_create pthread_join pthread_detach pthread_exit
  pthread_key_create pthread_key_delete pthread_setspecific pthread_getspecific
  __cxa_thread_atexit_impl)

# Makes the code of a target observed: its atomics, plain accesses and calls go to the engine.
function(hunt_observe target)
  # -Wno-tsan: gcc warns that its own runtime ignores fences; the engine does not.
  # -fno-builtin-*: gcc would expand these in place, unobserved.
  target_compile_options(${target} PRIVATE -fsanitize=thread $<$<C_COMPILER_ID:GNU>:-Wno-tsan>
    -fno-builtin-memset -fno-builtin-memcpy -fno-builtin-memmove)
endfunction()

function(hunt_add_scenarios name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "INSTRUMENT;SOURCES;WRAP;INCLUDES;DEFINITIONS;OPTIONS")
  if(arg_UNPARSED_ARGUMENTS OR NOT (arg_INSTRUMENT OR arg_SOURCES))
    message(FATAL_ERROR "hunt_add_scenarios(${name}): give INSTRUMENT or SOURCES files, not '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE hunt_engine)
  foreach(kind INSTRUMENT SOURCES)
    if(arg_${kind})
      string(TOLOWER ${name}_${kind} objects)
      add_library(${objects} OBJECT ${arg_${kind}})
      target_link_libraries(${objects} PRIVATE hunt_flags)
      target_include_directories(${objects} PRIVATE $<TARGET_PROPERTY:hunt_engine,INTERFACE_INCLUDE_DIRECTORIES> ${arg_INCLUDES})
      target_compile_definitions(${objects} PRIVATE ${arg_DEFINITIONS})
      target_compile_options(${objects} PRIVATE ${arg_OPTIONS})
      target_sources(${name} INTERFACE $<TARGET_OBJECTS:${objects}>)
    endif()
  endforeach()
  if(arg_INSTRUMENT)
    string(TOLOWER ${name}_instrument objects)
    hunt_observe(${objects})
  endif()
  foreach(function IN ITEMS ${arg_WRAP})
    target_link_options(${name} INTERFACE -Wl,--wrap=${function})
  endforeach()
endfunction()

function(hunt_add_gate name program)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "PREEMPTIONS" "")
  if(NOT arg_PREEMPTIONS)
    set(arg_PREEMPTIONS 2)
  endif()
  foreach(scenario IN ITEMS ${arg_UNPARSED_ARGUMENTS})
    add_test(NAME ${name}.${scenario}
      COMMAND ${program} ${scenario} --strategy exhaustive --preemptions ${arg_PREEMPTIONS})
    # Complete or nothing: a run that found nothing because it was cut short must not pass.
    set_tests_properties(${name}.${scenario} PROPERTIES TIMEOUT 300
      PASS_REGULAR_EXPRESSION "complete: nothing found" LABELS hunt)
  endforeach()
endfunction()
