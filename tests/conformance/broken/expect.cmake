# SPDX-License-Identifier: MIT
# Runs COMMAND with the planted fault FAULT and demands the exit status STATUS
# and words that match the regular expression WORDS. CTest's own
# PASS_REGULAR_EXPRESSION would ignore the exit status.
set(ENV{HAKMEM_BROKEN} ${FAULT})
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE status OUTPUT_VARIABLE output
                ERROR_VARIABLE output)
if(NOT status STREQUAL STATUS)
  message(FATAL_ERROR "fault '${FAULT}': exit status '${status}', not '${STATUS}'\n${output}")
endif()
if(NOT output MATCHES "${WORDS}")
  message(FATAL_ERROR "fault '${FAULT}': no words like '${WORDS}' in\n${output}")
endif()
