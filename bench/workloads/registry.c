/* SPDX-License-Identifier: MIT */
/* The registry: every workload, in the order --list and reports show them. */
#include "workloads/workloads.h"

#include <string.h>

const struct bench_workload *const bench_workloads[] = {
    &workload_pairs_1,
    &workload_pairs_64,
    &workload_ring_fixed,
    &workload_ring_varied,
    &workload_ring_calloc,
    &workload_batch_fixed,
    &workload_batch_varied,
    &workload_random_mixed,
    &workload_larson_starts,
    &workload_larson_long,
    &workload_producer_consumer,
    &workload_many_to_many,
    &workload_thread_start,
    &workload_realloc_strings,
    &workload_realloc_vectors,
    &workload_mid_sizes,
    &workload_big,
    &workload_server,
    &workload_return_all,
    &workload_return_most,
    &workload_phases,
    &workload_idle,
    &workload_count_pair_1,
    &workload_count_pair_64,
    &workload_count_calloc,
    &workload_count_realloc,
    &workload_count_none_1,
    &workload_count_none_64,
    &workload_count_none_calloc,
    &workload_count_none_realloc,
    NULL,
};

const struct bench_workload *bench_workload_find(const char *name) {
    for (size_t i = 0; bench_workloads[i] != NULL; i++) {
        if (strcmp(bench_workloads[i]->name, name) == 0)
            return bench_workloads[i];
    }
    return NULL;
}
