/* SPDX-License-Identifier: MIT */
/* Every workload there is; the registry lists them. One or a few a file. */
#ifndef BENCH_WORKLOADS_WORKLOADS_H
#define BENCH_WORKLOADS_WORKLOADS_H

#include "harness/bench.h"

extern const struct bench_workload workload_pairs_1;
extern const struct bench_workload workload_pairs_64;
extern const struct bench_workload workload_ring_fixed;
extern const struct bench_workload workload_ring_varied;
extern const struct bench_workload workload_ring_calloc;
extern const struct bench_workload workload_batch_fixed;
extern const struct bench_workload workload_batch_varied;
extern const struct bench_workload workload_random_mixed;
extern const struct bench_workload workload_larson_starts;
extern const struct bench_workload workload_larson_long;
extern const struct bench_workload workload_producer_consumer;
extern const struct bench_workload workload_many_to_many;
extern const struct bench_workload workload_thread_start;
extern const struct bench_workload workload_realloc_strings;
extern const struct bench_workload workload_realloc_vectors;
extern const struct bench_workload workload_mid_sizes;
extern const struct bench_workload workload_big;
extern const struct bench_workload workload_server;
extern const struct bench_workload workload_return_all;
extern const struct bench_workload workload_return_most;
extern const struct bench_workload workload_phases;
extern const struct bench_workload workload_idle;
extern const struct bench_workload workload_count_pair_1;
extern const struct bench_workload workload_count_pair_64;
extern const struct bench_workload workload_count_calloc;
extern const struct bench_workload workload_count_realloc;
extern const struct bench_workload workload_count_none_1;
extern const struct bench_workload workload_count_none_64;
extern const struct bench_workload workload_count_none_calloc;
extern const struct bench_workload workload_count_none_realloc;

#endif
