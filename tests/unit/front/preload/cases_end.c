/* SPDX-License-Identifier: MIT */
/* Threads that end, processes that fork, and the parts of the C library that
 * allocate on their own. */
#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

/* --- Thread exit --------------------------------------------------------- */

static pthread_key_t key;
static _Atomic unsigned rounds_run;

static void allocate_every_round(void *value) {
    uintptr_t round = (uintptr_t)value;
    preload_use_family((unsigned)round);
    rounds_run++;
    if (round < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(key, (void *)(round + 1));
    }
}

static void end_slowly(unsigned index) {
    free(preload_use(index * 1000));
    pthread_setspecific(key, (void *)(uintptr_t)1);
}

/* The thread's first allocation is in its destructors. */
static void end_without_having_allocated(unsigned index) {
    (void)index;
    pthread_setspecific(key, (void *)(uintptr_t)1);
}

void case_thread_exit(const char *plugin) {
    (void)plugin;
    DEMAND(pthread_key_create(&key, allocate_every_round) == 0);
    for (unsigned round = 1; round <= 20; round++) {
        preload_in_threads(end_slowly);
        preload_in_threads(end_without_having_allocated);
        DEMAND(rounds_run == round * 2 * PRELOAD_THREADS * PTHREAD_DESTRUCTOR_ITERATIONS);
    }
}

/* --- fork ---------------------------------------------------------------- */

static void fork_and_use(void) {
    int status = 0;
    unsigned char *inherited = preload_use(300000);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        DEMAND(inherited[299999] == 0x5A);
        free(inherited);
        preload_use_family(4);
        preload_in_threads(preload_use_family);
        _exit(0);
    }
    DEMAND(pid > 0 && waitpid(pid, &status, 0) == pid);
    DEMAND(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(inherited);
}

/* Two threads fork, two allocate. */
static void fork_or_allocate(unsigned index) {
    for (unsigned i = 0; i < 10; i++) {
        if (index % 2 == 0) {
            fork_and_use();
        } else {
            for (unsigned round = 0; round < 20; round++) {
                preload_use_family(round);
            }
        }
    }
}

void case_fork(const char *plugin) {
    (void)plugin;
    preload_in_threads(fork_or_allocate);
}

static _Atomic unsigned handlers_run;

static void allocate_in_handler(void) {
    handlers_run++;
    preload_use_family(handlers_run);
}

/* Registered before the allocator's own handlers, as far as a program can. */
static void register_early(void) {
    DEMAND(pthread_atfork(allocate_in_handler, allocate_in_handler, allocate_in_handler) == 0);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit)(void) = register_early;

static _Atomic unsigned forks_done;

static void fork_a_few_times(unsigned index) {
    for (unsigned i = 0; i < 5; i++) {
        preload_use_family(index);
        fork_and_use();
        forks_done++;
    }
}

/* Handlers on both sides of the allocator's, in all threads at once. */
void case_fork_handlers(const char *plugin) {
    (void)plugin;
    register_early();
    handlers_run = 0;
    fork_and_use();
    DEMAND(handlers_run == 4); /* two in prepare, two in parent */
    preload_in_threads(fork_a_few_times);
    DEMAND(handlers_run == 4 + 4 * forks_done);
}

/* --- fork and stdio ------------------------------------------------------- */

/* stdio allocates a file's buffer with the file locked, and flushes all files with their
 * list locked; fork takes the list too. tests/unit/os/test_os_thread.c has the same with
 * one mutex for the allocator. */
static FILE *held_file;
static pthread_barrier_t held;

static void *flush_all(void *unused) {
    pthread_barrier_wait(&held);
    fflush(NULL); /* has the list, waits for the file */
    return unused;
}

static void nap(void) {
    const struct timespec time = {0, 50 * 1000 * 1000};
    nanosleep(&time, NULL);
}

static void *allocate_with_file_held(void *unused) {
    flockfile(held_file);
    pthread_barrier_wait(&held);
    nap();
    nap(); /* by now the main thread is in fork */
    preload_use_family(5);
    funlockfile(held_file);
    return unused;
}

static void report_deadlock(int number) {
    static const char text[] = "deadlock: fork, fflush(NULL) and malloc with a file locked\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(1);
}

void case_fork_stdio(const char *plugin) {
    pthread_t holder, flusher;
    (void)plugin;
    signal(SIGALRM, report_deadlock);
    alarm(10);
    DEMAND((held_file = fopen("/dev/null", "r")) != NULL);
    pthread_barrier_init(&held, NULL, 3);
    pthread_create(&holder, NULL, allocate_with_file_held, NULL);
    pthread_create(&flusher, NULL, flush_all, NULL);
    pthread_barrier_wait(&held);
    nap();
    fork_and_use();
    pthread_join(holder, NULL);
    pthread_join(flusher, NULL);
    fclose(held_file);
}

/* --- Descriptors of the program's ------------------------------------------- */

static void grow_caches(void) {
    static void *blocks[3000];
    for (size_t round = 0; round < 60; round++) {
        for (size_t i = 0; i < 3000; i++) {
            blocks[i] = preload_use(16 + round % 20 * 16);
        }
        for (size_t i = 0; i < 3000; i++) {
            free(blocks[i]);
        }
    }
}

/* Started without descriptors 0 to 2: the program's third file is number 2. Whether
 * anything comes into it, the log or the summary at exit, is for the caller to see. */
void case_no_stderr(const char *path) {
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        DEMAND(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) == fd);
    }
    grow_caches();
}

/* A program that closes what it did not open, and has files under those numbers later. */
void case_taken_stderr(const char *path) {
    DEMAND(fcntl(200, F_GETFD) >= 0); /* the copy of stderr that is kept */
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    DEMAND(dup2(file, STDERR_FILENO) == STDERR_FILENO && dup2(file, 200) == 200);
    grow_caches();
}

/* --- The C library ------------------------------------------------------- */

static int compare_ints(const void *a, const void *b) {
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static void use_libc(unsigned index) {
    void *frames[32];
    char *text = NULL, *line = NULL;
    size_t length = 0;
    static const int count = 5000;
    int *numbers = malloc(sizeof *numbers * (size_t)count);
    for (int i = 0; i < count; i++) {
        numbers[i] = (i * 7919) % 10007;
    }
    qsort(numbers, (size_t)count, sizeof *numbers, compare_ints);
    DEMAND(numbers[0] <= numbers[1] && numbers[count - 2] <= numbers[count - 1]);
    free(numbers);
    DEMAND(asprintf(&text, "%u %5000d", index, 5) > 5000);
    free(text);
    free(backtrace_symbols(frames, backtrace(frames, 32)));
    FILE *file = fopen("/proc/self/maps", "r");
    while (getline(&line, &length, file) > 0) {
    }
    free(line);
    fclose(file);
    DIR *folder = opendir("/proc/self");
    DEMAND(folder != NULL && readdir(folder) != NULL);
    closedir(folder);
    locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
    DEMAND(locale != (locale_t)0 && strerror_l(12345, locale) != NULL);
    freelocale(locale);
    DEMAND(getpwuid_r(getuid(), &(struct passwd){0}, (char[4096]){0}, 4096,
                      &(struct passwd *){NULL}) == 0);
    free(strdup("text"));
}

static void use_libc_often(unsigned index) {
    for (int i = 0; i < 10; i++) {
        use_libc(index);
    }
}

void case_libc(const char *plugin) {
    (void)plugin;
    DEMAND(setlocale(LC_ALL, "C.UTF-8") != NULL);
    use_libc(0);
    preload_in_threads(use_libc_often);
}
