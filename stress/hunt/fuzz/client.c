/* SPDX-License-Identifier: MIT */
/* A hunter as a process to ask (client.h). */
#include "client.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 4096

static struct hunt_exchange *exchange;
static const struct exchange_scenario *allowed[EXCHANGE_SCENARIOS];
static unsigned allowed_count;
static int connection = -1;
static uint64_t schedules;
static pid_t hunter;
static char hunter_path[PATH_BYTES];

__attribute__((noreturn, format(printf, 2, 3))) static void stop(const char *program,
                                                                 const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

static void find_hunter(const char *program) {
    const char *named = getenv("HAKMEM_HUNT");
    if (named != NULL) {
        snprintf(hunter_path, sizeof hunter_path, "%s", named);
    } else {
        ssize_t length = readlink("/proc/self/exe", hunter_path, sizeof hunter_path - 32);
        hunter_path[length > 0 ? length : 0] = '\0';
        char *slash = strrchr(hunter_path, '/');
        strcpy(slash != NULL ? slash + 1 : hunter_path, "hakmem-hunt");
    }
    if (access(hunter_path, X_OK) != 0)
        stop(program, "cannot run the hunter %s: %s (HAKMEM_HUNT names another)", hunter_path,
             strerror(errno));
}

/* One CPU for both: handing over is then a switch, not a wake-up of another CPU. */
static void stay_here(void) {
    cpu_set_t one;
    int cpu = sched_getcpu();
    CPU_ZERO(&one);
    CPU_SET((size_t)(cpu >= 0 ? cpu : 0), &one);
    sched_setaffinity(0, sizeof one, &one);
}

__attribute__((noreturn)) static void be_hunter(int socket, int memory) {
    char descriptors[32];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(descriptors, sizeof descriptors, "%d,%d", socket, memory);
    execl(hunter_path, hunter_path, "--serve", descriptors, (char *)NULL);
    _exit(127);
}

static bool wait_for_hunter(void) {
    char byte;
    ssize_t got;
    do
        got = read(connection, &byte, 1);
    while (got < 0 && errno == EINTR);
    return got == 1;
}

static void start(const char *program) {
    int ends[2], memory = memfd_create("hunt", 0);
    if (memory < 0 || ftruncate(memory, sizeof *exchange) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        stop(program, "cannot share memory with the hunter: %s", strerror(errno));
    exchange = mmap(NULL, sizeof *exchange, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (exchange == MAP_FAILED)
        stop(program, "cannot share memory with the hunter: %s", strerror(errno));
    stay_here();
    hunter = fork();
    if (hunter < 0)
        stop(program, "cannot start the hunter: %s", strerror(errno));
    if (hunter == 0) {
        close(ends[0]);
        be_hunter(ends[1], memory);
    }
    close(ends[1]);
    close(memory);
    connection = ends[0];
    if (!wait_for_hunter())
        stop(program, "%s does not start as a hunter (see %s --help)", hunter_path, hunter_path);
}

void client_open(const char *program) {
    const char *wanted = getenv("HAKMEM_HUNT_SCENARIO");
    find_hunter(program);
    start(program);
    for (uint32_t i = 0; i < exchange->scenario_count; i++) {
        const struct exchange_scenario *scenario = &exchange->scenarios[i];
        bool may_run = wanted != NULL ? strcmp(scenario->name, wanted) == 0 : !scenario->is_planted;
        if (may_run)
            allowed[allowed_count++] = scenario;
    }
    if (allowed_count == 0)
        stop(program, "no scenario '%s' in %s: see its --list", wanted != NULL ? wanted : "",
             hunter_path);
}

unsigned client_scenario_count(void) {
    return allowed_count;
}

const struct exchange_scenario *client_scenario_at(unsigned index) {
    return allowed[index % allowed_count];
}

const struct exchange_scenario *client_scenario_of(const struct plan *plan) {
    for (unsigned i = 0; i < allowed_count; i++)
        if (plan_hash(allowed[i]->name) == plan->scenario)
            return allowed[i];
    return NULL;
}

void client_fit(struct plan *plan) {
    const struct exchange_scenario *scenario = client_scenario_of(plan);
    if (scenario == NULL)
        scenario = client_scenario_at(plan->scenario);
    plan->scenario = plan_hash(scenario->name);
    for (unsigned body = 0; body < PLAN_BODIES; body++) {
        unsigned most = body < scenario->body_count ? scenario->op_count_max : 0;
        if (plan->op_count[body] > most)
            plan->op_count[body] = (uint8_t)most;
    }
}

const struct hunt_exchange *client_run(const struct plan *plan) {
    char byte = 0;
    exchange->plan = *plan;
    schedules++;
    if (send(connection, &byte, 1, MSG_NOSIGNAL) != 1 || !wait_for_hunter())
        return NULL;
    return exchange;
}

uint64_t client_schedules(void) {
    return schedules;
}

void client_print_finding(FILE *out, const struct hunt_exchange *answer) {
    fprintf(out, "%s\ntoken: %s\nreplay: %s --replay %s\n", answer->text, answer->token,
            hunter_path, answer->token);
}

void client_close(void) {
    if (connection < 0)
        return;
    close(connection);
    connection = -1;
    waitpid(hunter, NULL, 0);
}
