/* SPDX-License-Identifier: MIT */
/* Who carries the threads of a schedule: real threads passing a baton, or coroutines. */
#ifndef HUNT_EXECUTOR_H
#define HUNT_EXECUTOR_H

#include "engine.h"

struct hunt_executor {
    const char *name;
    bool (*open)(void);
    void (*close)(void);
    /* The next transfer to it calls hunt_thread_main from the top; whatever it was doing is
     * dropped. */
    void (*arm)(struct hunt_thread *thread);
    /* Hands over; returns when somebody hands back to `from`. */
    void (*transfer)(struct hunt_thread *from, struct hunt_thread *to);
    /* Hands over for good. */
    __attribute__((noreturn)) void (*leave)(struct hunt_thread *from, struct hunt_thread *to);
};

extern const struct hunt_executor hunt_executor_baton;
extern const struct hunt_executor hunt_executor_coroutine;

/* NULL if this machine cannot; a reason is left in *why. */
const struct hunt_executor *hunt_executor_by_name(const char *name, const char **why);

#endif
