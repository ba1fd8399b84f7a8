/* SPDX-License-Identifier: MIT */
/**
 * @file larson.c
 * larson_hakmem: the server benchmark described by Larson and Krishnan, "Memory
 * allocation for long-running server applications" (1998), on hakmem, in its
 * usual argument order:
 *
 *     larson_hakmem SLEEP MIN MAX CHUNKS ROUNDS SEED THREADS [--seed N] [--json FILE]
 *
 * Each thread owns CHUNKS chunks and replaces random ones by new ones of random
 * size from MIN to MAX. After ROUNDS * CHUNKS replacements it starts a successor,
 * which takes over its chunks, and exits: most chunks are freed by another
 * thread than the one that made them. After SLEEP seconds all stop.
 *
 * It measures and verifies nothing; hakmem-stress larson verifies.
 */
#include "arguments.h"
#include "command/command_line.h"
#include "result.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "hakmem.h"

#include "../common/random.h"

#include "../common/allocator.h"

/** One line of threads, each the successor of the one before. Its memory is
 *  aligned so that no two lines share a cache line. */
struct line {
    _Alignas(128) struct stress_random random; /* the living thread */
    char **chunks;                             /* the living thread */
    const struct larson_arguments *arguments;  /* const */
    uint64_t operation_count;                  /* the living thread */
    uint64_t thread_count;                     /* the living thread */
};

static atomic_bool is_over;       /* relaxed: late by an operation is in time */
static atomic_uint running_lines; /* release by each last thread, acquire by main */

static _Noreturn void die(const char *what, int error) {
    fprintf(stderr, "larson_hakmem: %s: %s\n", what, strerror(error));
    _exit(1);
}

static char *new_chunk(struct line *line) {
    const struct larson_arguments *arguments = line->arguments;
    size_t size_bytes =
        stress_random_between(&line->random, arguments->size_min_bytes, arguments->size_max_bytes);
    char *chunk = malloc(size_bytes);
    if (chunk == NULL) {
        die("malloc", ENOMEM);
    }
    chunk[0] = (char)size_bytes; /* a server writes to what it takes */
    chunk[size_bytes - 1] = 'x';
    return chunk;
}

/** True if the line goes on with a successor. */
static bool serve(struct line *line) {
    uint64_t chunk_count = line->arguments->chunk_count;
    uint64_t life = chunk_count * line->arguments->round_count;
    uint64_t done = 0;
    while (done < life && !atomic_load_explicit(&is_over, memory_order_relaxed)) {
        char **place = &line->chunks[stress_random_below(&line->random, chunk_count)];
        free(*place);
        *place = new_chunk(line);
        done++;
    }
    line->operation_count += done;
    return done == life && !atomic_load_explicit(&is_over, memory_order_relaxed);
}

static void *serve_main(void *argument);

static void start_thread(struct line *line) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    line->thread_count++;
    int error = pthread_create(&thread, &attributes, serve_main, line);
    if (error != 0) {
        die("a thread could not be started", error);
    }
    pthread_attr_destroy(&attributes);
}

static void *serve_main(void *argument) {
    struct line *line = argument;
    if (serve(line)) {
        start_thread(line);
    } else {
        atomic_fetch_sub_explicit(&running_lines, 1, memory_order_release);
    }
    return NULL;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void sleep_ns(uint64_t duration_ns) {
    struct timespec rest = {(time_t)(duration_ns / 1000000000U), (long)(duration_ns % 1000000000U)};
    while (nanosleep(&rest, &rest) != 0) {
        /* interrupted by a signal: sleep on */
    }
}

/** The tables come from mmap: the malloc measured serves chunks only. */
static void *create_pages(size_t size_bytes) {
    void *pages =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        die("no memory for the tables", errno);
    }
    return pages;
}

static void line_init(struct line *line, const struct larson_arguments *arguments, unsigned index) {
    line->arguments = arguments;
    line->chunks = create_pages(arguments->chunk_count * sizeof(char *));
    stress_random_init(&line->random, arguments->seed, index);
    for (uint64_t i = 0; i < arguments->chunk_count; i++) {
        line->chunks[i] = new_chunk(line);
    }
}

static void line_destroy(struct line *line) {
    for (uint64_t i = 0; i < line->arguments->chunk_count; i++) {
        free(line->chunks[i]);
    }
    munmap(line->chunks, line->arguments->chunk_count * sizeof(char *));
}

/** Lets all lines run for the time asked. Returns the seconds it really was. */
static double run_lines(struct line *lines, const struct larson_arguments *arguments) {
    atomic_store(&running_lines, (unsigned)arguments->thread_count);
    uint64_t start_ns = now_ns();
    for (uint64_t i = 0; i < arguments->thread_count; i++) {
        start_thread(&lines[i]);
    }
    sleep_ns(arguments->sleep_seconds * 1000000000U);
    atomic_store_explicit(&is_over, true, memory_order_relaxed);
    double elapsed_seconds = (double)(now_ns() - start_ns) / 1e9;
    while (atomic_load_explicit(&running_lines, memory_order_acquire) != 0) {
        sleep_ns(100000);
    }
    return elapsed_seconds;
}

static struct larson_result sum(const struct line *lines, uint64_t line_count,
                                double elapsed_seconds) {
    struct larson_result result = {.elapsed_seconds = elapsed_seconds};
    for (uint64_t i = 0; i < line_count; i++) {
        result.operation_count += lines[i].operation_count;
        result.thread_count += lines[i].thread_count;
    }
    return result;
}

static void report(const struct larson_result *result) {
    double throughput = larson_result_throughput(result);
    printf("%llu operations by %llu threads in %.3f s\n",
           (unsigned long long)result->operation_count, (unsigned long long)result->thread_count,
           result->elapsed_seconds);
    /* The relative time of the original: seconds for a million operations. */
    printf("Throughput = %8.0f operations per second, relative time: %.3f s.\n", throughput,
           1e6 / throughput);
}

/** The log is on by default in this program. hakmem reads its variables when it
 *  starts, before main(), so a change needs a new start. In checked builds it is
 *  on already. */
static void restart_with_log(char **argv) {
    if (getenv("HAKMEM_ADAPTIVE_LOG") != NULL || hak_check_level() > 0) {
        return;
    }
    setenv("HAKMEM_ADAPTIVE_LOG", "1", 1);
    execv("/proc/self/exe", argv);
    die("/proc/self/exe", errno);
}

int main(int argc, char **argv) {
    struct larson_arguments arguments;
    larson_arguments_parse(argc, argv, &arguments);
    restart_with_log(argv);
    static struct command_output json;
    command_set_name("larson_hakmem");
    command_output_prepare(&json, "--json", arguments.json_path);
    size_t table_bytes = sizeof(struct line) * arguments.thread_count;
    struct line *lines = create_pages(table_bytes);
    for (unsigned i = 0; i < arguments.thread_count; i++) {
        line_init(&lines[i], &arguments, i);
    }
    double elapsed_seconds = run_lines(lines, &arguments);
    struct larson_result result = sum(lines, arguments.thread_count, elapsed_seconds);
    report(&result);
    for (unsigned i = 0; i < arguments.thread_count; i++) {
        line_destroy(&lines[i]);
    }
    munmap(lines, table_bytes);
    return command_finish(larson_result_write(&result, &arguments, &json) ? 0 : COMMAND_EXIT_USAGE);
}
