/* SPDX-License-Identifier: MIT */
/* replay_hunt: fuzz_hunt's inputs without libFuzzer. Replays files and folders, prints them, and
 * fuzzes by itself with the same mutations and feedback. */
#include "evolve.h"

#include "command/command_line.h"
#include "command/output_file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum action { REPLAY, LIST, FUZZ };

struct request {
    enum action action;
    bool count;
    uint64_t seed;
    const char *json_path, *write_folder;
    char **paths; /* FUZZ: the number of schedules */
    size_t path_count;
};

struct done {
    uint64_t inputs, steps_of_choice, found;
    double seconds;
    char token[sizeof((struct hunt_exchange *)0)->token];
};

static struct done done;

static uint64_t number_from(const char *text, const char *what) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-')
        command_refuse("%s takes a number, not '%s'", what, text);
    return value;
}

static void note_finding(const char *of, const struct hunt_exchange *answer) {
    if (done.found++ != 0)
        return;
    printf("%s:\n", of);
    client_print_finding(stdout, answer);
    snprintf(done.token, sizeof done.token, "%s", answer->token);
}

/* ---- files ---- */

static void take_input(const struct request *request, const char *path, const uint8_t *bytes,
                       size_t size_bytes) {
    struct plan plan;
    plan_decode(&plan, bytes, size_bytes);
    client_fit(&plan);
    done.inputs++;
    if (request->action == LIST) {
        printf("%s: ", path);
        plan_print(stdout, &plan, client_scenario_of(&plan)->name);
        return;
    }
    const struct hunt_exchange *answer = client_run(&plan);
    if (answer == NULL)
        command_refuse("the hunter died running %s", path);
    done.steps_of_choice += answer->decision_total;
    if (answer->is_found)
        note_finding(path, answer);
}

static void take_file(const struct request *request, const char *path) {
    uint8_t bytes[PLAN_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        command_refuse("cannot read %s: %s", path, strerror(errno));
    size_t size_bytes = fread(bytes, 1, sizeof bytes, file);
    bool bad = ferror(file) != 0;
    fclose(file);
    if (bad)
        command_refuse("cannot read %s: it is not a file of bytes", path);
    take_input(request, path, bytes, size_bytes);
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void take_path(const struct request *request, const char *path) {
    struct stat info;
    struct dirent **entries;
    if (stat(path, &info) != 0)
        command_refuse("cannot read %s: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode)) {
        take_file(request, path);
        return;
    }
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0)
        command_refuse("cannot list %s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        take_path(request, inner);
        free(entries[i]);
    }
    free(entries);
}

/* ---- without files ---- */

static void fuzz(const struct request *request) {
    struct evolution evolution = {.seed = request->seed, .write_folder = request->write_folder};
    if (request->path_count != 1)
        command_refuse("--fuzz=SEED takes the number of schedules and nothing else");
    evolution.schedules_max = number_from(request->paths[0], "the number of schedules");
    const struct hunt_exchange *answer = evolve(&evolution);
    done.inputs = client_schedules();
    if (answer != NULL)
        note_finding("found", answer);
    printf("%" PRIu64 " schedules, %u of them did something new\n", client_schedules(),
           evolution.kept);
}

/* ---- the command line ---- */

static const struct argp_option options[] = {
    {"list", 'l', NULL, 0, "Print the inputs; run nothing", 0},
    {"count", 'c', NULL, 0, "Say how many inputs ran, and how fast", 0},
    {"fuzz", 'f', "SEED", 0, "Run N schedules, each a change of one that did something new", 0},
    {"write", 'w', "FOLDER", 0, "--fuzz: write what did something new, and what was found, to FOLDER", 0},
    {"json", 'j', "FILE", 0, "Write the counts and the verdict to FILE", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct request *request = state->input;
    switch (key) {
    case 'l':
        request->action = LIST;
        return 0;
    case 'c':
        request->count = true;
        return 0;
    case 'f':
        request->action = FUZZ;
        request->seed = number_from(argument, "--fuzz");
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
        command_refuse("name files or folders of inputs, or a number of schedules after --fuzz");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Tokens hold nothing that JSON would have to escape. */
static bool write_json(struct command_output *json) {
    if (json->path == NULL)
        return true;
    FILE *file = command_output_open(json);
    bool complete = file != NULL &&
                    fprintf(file,
                            "{\"target\": \"hunt\", \"inputs\": %" PRIu64 ", \"found\": %" PRIu64
                            ", \"seconds\": %.3f, \"token\": \"%s\", \"passed\": %s}\n",
                            done.inputs, done.found, done.seconds, done.token,
                            done.found == 0 ? "true" : "false") > 0;
    return command_output_close(json, complete);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "FILE|FOLDER...\n--fuzz=SEED N",
        "Replays fuzz_hunt's inputs without libFuzzer.\vHAKMEM_HUNT names the hunter (default: "
        "hakmem-hunt beside this program), HAKMEM_HUNT_SCENARIO the one scenario to run. Exit "
        "status: 0 nothing found, 1 found (the first is printed), 2 usage.",
        0,
        0,
        0};
    struct request request = {.action = REPLAY, .seed = 1};
    static struct command_output json;
    command_parse("replay_hunt", &argp, argc, argv, 0, &request);
    command_output_prepare(&json, "--json", request.json_path);
    client_open("replay_hunt");
    double started = now_s();
    if (request.action == FUZZ)
        fuzz(&request);
    for (size_t i = 0; request.action != FUZZ && i < request.path_count; i++)
        take_path(&request, request.paths[i]);
    done.seconds = now_s() - started;
    if (request.count)
        printf("%" PRIu64 " inputs, %" PRIu64 " decisions in %.2f s: %.0f inputs/s\n", done.inputs,
               done.steps_of_choice, done.seconds,
               (double)done.inputs / (done.seconds > 0 ? done.seconds : 1));
    bool written = write_json(&json);
    client_close();
    return command_finish(!written ? COMMAND_EXIT_USAGE : done.found == 0 ? 0 : 1);
}
