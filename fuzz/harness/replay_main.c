/* SPDX-License-Identifier: MIT */
/* A target without libFuzzer: replays files and folders, prints them as
 * programs or as Criterion tests, and runs generated programs. gcc builds it
 * and Valgrind can run it. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>

#include "command/command_line.h"
#include "command/output_file.h"
#include "generate.h"
#include "run.h"

enum action { REPLAY, EMIT_TEST, LIST, RANDOM, AUDIT };

struct request {
    enum action action;
    bool count;
    bool quick;
    bool rationed;
    uint64_t seed;
    uint64_t sample_count; /* of each folder; 0: all */
    const char *json_path;
    const char *write_folder;
    char **paths; /* or, for RANDOM and AUDIT, the number of inputs */
    size_t path_count;
};

struct done {
    uint64_t input_count, op_count;
    double seconds;
};

static const char *current_path;

static void on_failure(void) {
    fprintf(stderr, "replay_%s: FAILED: %s\n", hak_fuzz_target.name, current_path);
    _exit(1);
}

static uint64_t number_from(const char *text, const char *what) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-') {
        command_refuse("%s takes a number, not '%s'", what, text);
    }
    return value;
}

/* --- Inputs from files ------------------------------------------------------ */

static void take_input(const struct request *request, struct done *done, const uint8_t *data,
                       size_t size_bytes) {
    struct hak_fuzz_op ops[HAK_FUZZ_OP_MAX];
    if (request->action == REPLAY) {
        done->op_count += hak_fuzz_run(data, size_bytes);
    } else {
        size_t count = hak_fuzz_decode(data, size_bytes, ops);
        done->op_count += count;
        if (request->action == EMIT_TEST) {
            hak_fuzz_emit_test(stdout, ops, count);
        } else {
            printf("%s:\n", current_path);
            fflush(stdout);
            hak_fuzz_print_program(STDOUT_FILENO, ops, count, SIZE_MAX);
        }
    }
    done->input_count++;
}

static void take_file(const struct request *request, struct done *done, const char *path) {
    uint8_t data[HAK_FUZZ_INPUT_MAX_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        command_refuse("cannot read %s: %s", path, strerror(errno));
    }
    size_t size_bytes = fread(data, 1, sizeof data, file);
    if (ferror(file)) {
        command_refuse("cannot read %s: %s", path, strerror(errno));
    }
    fclose(file);
    current_path = path;
    take_input(request, done, data, size_bytes);
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* Whether entry `index` of `count` is one of the sample, evenly spread. */
static bool is_sampled(const struct request *request, uint64_t index, uint64_t count) {
    uint64_t wanted = request->sample_count;
    return wanted == 0 || wanted >= count || (index + 1) * wanted / count > index * wanted / count;
}

static void take_path(const struct request *request, struct done *done, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        command_refuse("cannot read %s: %s", path, strerror(errno));
    }
    if (!S_ISDIR(info.st_mode)) {
        take_file(request, done, path);
        return;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0) {
        command_refuse("cannot list %s: %s", path, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (is_sampled(request, (uint64_t)i, (uint64_t)count)) {
            take_path(request, done, inner);
        }
        free(entries[i]);
    }
    free(entries);
}

/* --- Generated inputs ------------------------------------------------------- */

static void write_input(const struct request *request, uint64_t number, const uint8_t *data,
                        size_t size_bytes) {
    char path[4096];
    snprintf(path, sizeof path, "%s/seed-%" PRIu64 "-%" PRIu64, request->write_folder,
             request->seed, number);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size_bytes, file) != size_bytes || fclose(file) != 0) {
        command_refuse("cannot write %s: %s", path, strerror(errno));
    }
}

static size_t run_generated(const struct request *request, struct done *done, uint64_t count) {
    static struct hak_fuzz_generator generator;
    static struct hak_fuzz_audit audit;
    generator.rng.state = request->seed;
    for (uint64_t i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "generated input %" PRIu64 " of seed %" PRIu64, i,
                 request->seed);
        current_path = name;
        size_t size_bytes;
        const uint8_t *data = hak_fuzz_generate(&generator, &size_bytes);
        if (request->write_folder != NULL) {
            write_input(request, i, data, size_bytes);
        }
        hak_fuzz_audit_add(&audit, data, size_bytes);
        done->op_count += hak_fuzz_run(data, size_bytes);
        done->input_count++;
    }
    if (request->action == RANDOM) {
        return 0;
    }
    memcpy(audit.outcomes, hak_fuzz_outcome_counts, sizeof audit.outcomes);
    return hak_fuzz_audit_print(&audit, stdout);
}

/* --- The command line ------------------------------------------------------- */

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct request *request = state->input;
    switch (key) {
    case 'p':
        hak_fuzz_mode.print = true;
        return 0;
    case 'e':
        request->action = EMIT_TEST;
        return 0;
    case 'l':
        request->action = LIST;
        return 0;
    case 'c':
        request->count = true;
        return 0;
    case 'q':
        request->quick = true;
        return 0;
    case 'o':
        request->rationed = true;
        return 0;
    case 'r':
        request->action = RANDOM;
        request->seed = number_from(argument, "--random");
        return 0;
    case 'a':
        request->action = AUDIT;
        request->seed = number_from(argument, "--audit");
        return 0;
    case 's':
        request->sample_count = number_from(argument, "--sample");
        if (request->sample_count == 0) {
            command_refuse("--sample takes a number above 0, not '%s'", argument);
        }
        return 0;
    case 'w':
        request->write_folder = argument;
        return 0;
    case 'j':
        request->json_path = argument;
        return 0;
    case ARGP_KEY_ARGS:
        request->paths = state->argv + state->next;
        request->path_count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_NO_ARGS:
        command_refuse("name a file or folder of inputs, or a number of inputs to generate");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"print", 'p', NULL, 0, "Print each operation before it is applied", 0},
    {"list", 'l', NULL, 0, "Print the inputs as programs; run nothing", 0},
    {"emit-test", 'e', NULL, 0, "Print the inputs as Criterion tests; run nothing", 0},
    {"count", 'c', NULL, 0, "Say how many inputs and operations ran, and how fast", 0},
    {"quick", 'q', NULL, 0, "Verify the whole model after each input, not after each operation", 0},
    {"rationed", 'o', NULL, 0, "Do less of what is costly and verify less, as while fuzzing", 0},
    {"sample", 's', "N", 0, "Only N inputs of each folder, evenly spread", 0},
    {"random", 'r', "SEED", 0, "Run N generated inputs", 0},
    {"audit", 'a', "SEED", 0,
     "Run N generated inputs and print what was in them; status 1 when "
     "something that was declared never came up",
     0},
    {"write", 'w', "FOLDER", 0, "Also write the generated inputs to FOLDER, as a corpus", 0},
    {"json", 'j', "FILE", 0, "Write the counts and the verdict to FILE", 0},
    {0},
};

static bool write_json(struct command_output *json, const struct done *done, size_t empty) {
    if (json->path == NULL) {
        return true;
    }
    FILE *file = command_output_open(json);
    bool is_complete =
        file != NULL &&
        fprintf(file,
                "{\"target\": \"%s\", \"inputs\": %" PRIu64 ", \"operations\": %" PRIu64
                ", \"seconds\": %.3f, \"empty_buckets\": %zu, \"passed\": %s}\n",
                hak_fuzz_target.name, done->input_count, done->op_count, done->seconds, empty,
                empty == 0 ? "true" : "false") > 0;
    return command_output_close(json, is_complete);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static size_t carry_out(const struct request *request, struct done *done) {
    if (request->action == RANDOM || request->action == AUDIT) {
        if (request->path_count != 1) {
            command_refuse("say how many inputs to generate: one number");
        }
        if (request->rationed) {
            command_refuse("--rationed is for files, not for generated inputs");
        }
        return run_generated(request, done, number_from(request->paths[0], "the number of inputs"));
    }
    for (size_t i = 0; i < request->path_count; i++) {
        take_path(request, done, request->paths[i]);
    }
    return 0;
}

int main(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "FILE|FOLDER...\n--random=SEED N\n--audit=SEED N",
        "Replays fuzz inputs without libFuzzer. Exit status: 0 all passed, 1 one failed (the "
        "first; its program is on stderr), 2 usage.",
        NULL,
        NULL,
        NULL};
    struct request request = {.action = REPLAY};
    struct done done = {0};
    hak_fuzz_mode.on_failure = on_failure;
    static struct command_output json;
    char name[64];
    snprintf(name, sizeof name, "replay_%s", hak_fuzz_target.name);
    command_parse(name, &argp, argc, argv, 0, &request);
    command_output_prepare(&json, "--json", request.json_path);
    /* Files are few, and where exactly they fail is the question. */
    hak_fuzz_mode.thorough = request.action == REPLAY && !request.quick && !request.rationed;
    hak_fuzz_mode.is_fuzzing = request.rationed;
    hak_fuzz_catch_death(true);
    double start_s = now_s();
    size_t empty = carry_out(&request, &done);
    done.seconds = now_s() - start_s;
    if (request.count || request.action == RANDOM || request.action == AUDIT) {
        printf("%" PRIu64 " inputs, %" PRIu64 " operations in %.2f s: %.0f inputs/s, %.0f "
               "operations/s\n",
               done.input_count, done.op_count, done.seconds,
               (double)done.input_count / done.seconds, (double)done.op_count / done.seconds);
    }
    bool is_written = write_json(&json, &done, empty);
    if (empty > 0) {
        printf("FAILED: %zu of the declared buckets never came up\n", empty);
    }
    return command_finish(!is_written ? COMMAND_EXIT_USAGE : empty == 0 ? 0 : 1);
}
