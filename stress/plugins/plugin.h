/* SPDX-License-Identifier: MIT */
/**
 * @file plugin.h
 * What the dlopen scenario and the libraries it loads know of each other.
 */
#ifndef STRESS_PLUGIN_H
#define STRESS_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { STRESS_PLUGIN_COUNT = 4 };

/** Must not return. */
typedef void stress_plugin_fail_function(const char *message);

/** Builds the calling thread's objects, if it has none yet, and changes them.
 *  Their destructors run when the thread ends. */
typedef void stress_plugin_use_function(uint64_t seed, stress_plugin_fail_function *fail);

__attribute__((visibility("default"))) stress_plugin_use_function stress_plugin_use;

#ifdef __cplusplus
}
#endif
#endif
