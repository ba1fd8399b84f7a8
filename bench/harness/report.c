/* SPDX-License-Identifier: MIT */
/*
 * What a run prints and writes. The JSON keys are read by bench/report; add,
 * never rename.
 */
#include "harness/bench.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#define MIB (1024.0 * 1024.0)

/* The file that `malloc` comes from: proof that the preload took effect. */
static const char *malloc_library(void) {
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, "malloc");
    if (address == NULL || dladdr(address, &info) == 0 || info.dli_fname == NULL)
        return "unknown";
    return info.dli_fname;
}

static void print_memory(const char *label, size_t bytes) {
    if (bytes != SIZE_MAX)
        printf("  %-18s %.1f MiB\n", label, (double)bytes / MIB);
}

void bench_report_print(const struct bench_run *run, const struct bench_result *result) {
    printf("%s, %u thread%s, malloc of %s\n", run->workload->name, run->threads,
           run->threads == 1 ? "" : "s", malloc_library());
    printf("  %-18s %" PRIu64 " (%s) in %.3f s: %.0f/s\n", "operations", result->operations,
           run->workload->operation, result->seconds, (double)result->operations / result->seconds);
    printf("  %-18s %" PRIu64 "\n", "minor faults", result->minor_faults);
    print_memory("RSS at the start", result->start_rss_bytes);
    print_memory("peak RSS", result->peak_rss_bytes);
    print_memory("RSS at the end", result->end_rss_bytes);
    print_memory("TLS caches", result->tls_cache_bytes);
    print_memory("live at fullest", run->memory.live_bytes);
    print_memory("RSS at fullest", run->memory.full_rss_bytes);
    print_memory("live after free", run->memory.kept_bytes);
    print_memory("RSS after free", run->memory.after_free_rss_bytes);
    print_memory("RSS settled", run->memory.settled_rss_bytes);
}

static json_t *json_bytes(size_t bytes) {
    return bytes == SIZE_MAX ? json_null() : json_integer((json_int_t)bytes);
}

static json_t *report_json(const struct bench_run *run, const struct bench_result *result) {
    const struct bench_memory *memory = &run->memory;
    return json_pack(
        "{s:s, s:i, s:s, s:i, s:I, s:s, s:s, s:I, s:f, s:f, s:I, s:I, s:I, s:I,"
        " s:o, s:o, s:o, s:o, s:o, s:o}",
        "program", "hakmem-bench", "version", 1, "workload", run->workload->name, "threads",
        (int)run->threads, "seed", (json_int_t)run->seed, "operation", run->workload->operation,
        "malloc_library", malloc_library(), "operations", (json_int_t)result->operations, "seconds",
        result->seconds, "operations_per_second", (double)result->operations / result->seconds,
        "minor_faults", (json_int_t)result->minor_faults, "start_rss_bytes",
        (json_int_t)result->start_rss_bytes, "peak_rss_bytes", (json_int_t)result->peak_rss_bytes,
        "end_rss_bytes", (json_int_t)result->end_rss_bytes, "tls_cache_bytes",
        json_bytes(result->tls_cache_bytes), "live_bytes",
        json_bytes(memory->live_bytes), "full_rss_bytes", json_bytes(memory->full_rss_bytes),
        "kept_bytes", json_bytes(memory->kept_bytes), "after_free_rss_bytes",
        json_bytes(memory->after_free_rss_bytes), "settled_rss_bytes",
        json_bytes(memory->settled_rss_bytes));
}

bool bench_report_write(const struct bench_run *run, const struct bench_result *result,
                        struct command_output *json_file) {
    if (json_file->path == NULL)
        return true;
    json_t *json = report_json(run, result);
    FILE *stream = command_output_open(json_file);
    bool is_complete = json != NULL && stream != NULL &&
                       json_dumpf(json, stream, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0;
    json_decref(json);
    return command_output_close(json_file, is_complete);
}
