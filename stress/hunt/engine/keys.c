/* SPDX-License-Identifier: MIT */
/* pthread keys and C++ thread-exit hooks of threads under test: values per schedule thread, and
 * destructors that run inside it, where they can be preempted. Wrapped at link time. */
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define KEYS_MAX 64u
#define EXIT_HOOKS_MAX 64u
#define KEY_BASE 0x10000u /* keys made inside a schedule; libc's own are below */

struct exit_hook {
    void (*call)(void *object);
    void *object;
    uint8_t thread;
};

HUNT_STATE static void (*destructors[KEYS_MAX])(void *);
HUNT_STATE static bool used[KEYS_MAX];
HUNT_STATE static void *values[HUNT_THREADS_MAX][KEYS_MAX];
HUNT_STATE static unsigned key_count;
HUNT_STATE static struct exit_hook hooks[EXIT_HOOKS_MAX];
HUNT_STATE static unsigned hook_count;

int __real_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __real_pthread_key_delete(pthread_key_t key);
int __real_pthread_setspecific(pthread_key_t key, const void *value);
void *__real_pthread_getspecific(pthread_key_t key);
int __real___cxa_thread_atexit_impl(void (*call)(void *), void *object, void *library);
int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __wrap_pthread_key_delete(pthread_key_t key);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);
void *__wrap_pthread_getspecific(pthread_key_t key);
int __wrap___cxa_thread_atexit_impl(void (*call)(void *), void *object, void *library);

void hunt_keys_reset(void) {
    if (key_count != 0)
        __real_memset(values, 0, sizeof values);
    key_count = 0;
    hook_count = 0;
}

static bool is_ours(pthread_key_t key) {
    return hunt.current != NULL && key >= KEY_BASE && key - KEY_BASE < key_count &&
           used[key - KEY_BASE];
}

int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
    if (hunt.current == NULL)
        return __real_pthread_key_create(key, destructor);
    hunt_signature_order();
    if (key_count == KEYS_MAX)
        return EAGAIN;
    destructors[key_count] = destructor;
    used[key_count] = true;
    *key = KEY_BASE + key_count++;
    return 0;
}

int __wrap_pthread_key_delete(pthread_key_t key) {
    if (!is_ours(key))
        return __real_pthread_key_delete(key);
    used[key - KEY_BASE] = false;
    return 0;
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *value) {
    if (!is_ours(key))
        return __real_pthread_setspecific(key, value);
    values[hunt.current->id][key - KEY_BASE] = (void *)(uintptr_t)value;
    return 0;
}

void *__wrap_pthread_getspecific(pthread_key_t key) {
    return is_ours(key) ? values[hunt.current->id][key - KEY_BASE]
                        : __real_pthread_getspecific(key);
}

int __wrap___cxa_thread_atexit_impl(void (*call)(void *), void *object, void *library) {
    if (hunt.current == NULL || hunt.current->id == 0)
        return __real___cxa_thread_atexit_impl(call, object, library);
    if (hook_count == EXIT_HOOKS_MAX)
        return -1;
    hooks[hook_count++] = (struct exit_hook){call, object, hunt.current->id};
    return 0;
}

static void run_exit_hooks(void) {
    for (unsigned i = hook_count;
         i-- > 0;) { /* last registered, first called; hooks may add hooks */
        if (hooks[i].thread != hunt.current->id || hooks[i].call == NULL)
            continue;
        struct exit_hook hook = hooks[i];
        hooks[i].call = NULL;
        hook.call(hook.object);
    }
}

/* As POSIX has it: round after round while destructors set values again, four at most. */
void hunt_keys_run_destructors(void) {
    run_exit_hooks();
    bool again = true;
    for (unsigned round = 0; again && round < 4; round++) {
        again = false;
        for (unsigned key = 0; key < key_count; key++) {
            void *value = values[hunt.current->id][key];
            if (!used[key] || value == NULL || destructors[key] == NULL)
                continue;
            values[hunt.current->id][key] = NULL;
            destructors[key](value);
            again = true;
        }
    }
}
