/* SPDX-License-Identifier: MIT */
/* unload LIBRARY: loads the library at run time, uses it in a thread, and closes it
 * before the thread ends. The thread's exit hook and fork's handlers are the library's
 * code, and the C library still calls them: closing must not unmap it. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload.h"

static void *(*library_malloc)(size_t);
static void (*library_free)(void *);
static pthread_barrier_t used, closed;

static void *use_and_end(void *unused) {
    for (size_t size = 1; size < 100000; size = size * 2 + 1) {
        void *block = library_malloc(size);
        DEMAND(block != NULL);
        library_free(memset(block, 1, size));
    }
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&closed);
    return unused; /* here its key's destructor runs */
}

/* Ends like the child that does what `body` says. */
static int status_of(void (*body)(const char *), const char *argument) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (body != NULL) {
            body(argument);
        }
        _exit(0);
    }
    DEMAND(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

static void close_before_the_thread_ends(const char *path) {
    pthread_t thread;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    DEMAND(library != NULL);
    library_malloc = (void *(*)(size_t))(uintptr_t)dlsym(library, "hak_malloc");
    library_free = (void (*)(void *))(uintptr_t)dlsym(library, "hak_free");
    DEMAND(library_malloc != NULL && library_free != NULL);
    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&closed, NULL, 2);
    DEMAND(pthread_create(&thread, NULL, use_and_end, NULL) == 0);
    pthread_barrier_wait(&used);
    DEMAND(dlclose(library) == 0);
    pthread_barrier_wait(&closed);
    DEMAND(pthread_join(thread, NULL) == 0);
    DEMAND(status_of(NULL, NULL) == 0);
}

int main(int argc, char **argv) {
    DEMAND(argc == 2);
    int status = status_of(close_before_the_thread_ends, argv[1]);
    if (status != 0) {
        fprintf(stderr, "unload: a thread that ends after dlclose: %s %d\n",
                WIFSIGNALED(status) ? "signal" : "exit status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    return status != 0;
}
