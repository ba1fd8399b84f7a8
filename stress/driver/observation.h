/* SPDX-License-Identifier: MIT */
/**
 * @file observation.h
 * What a worker's observer saw (common/observe.h), as JSON. The form is
 * described in stress/README.md.
 */
#ifndef STRESS_OBSERVATION_H
#define STRESS_OBSERVATION_H

#include "../common/observe.h"

#include <jansson.h>

/** A new object; the worker has ended. */
json_t *observation_json(const struct stress_observation *observation);

#endif
