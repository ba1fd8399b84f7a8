/* SPDX-License-Identifier: MIT */
/*
 * Coroutines on one thread. Each borrows the identity of a real thread that stays parked: its
 * thread pointer (fs base), so thread-local variables, errno and pthread_self are that thread's,
 * and the unused lower part of its stack. Switching is seven pushes, a stack pointer and WRFSBASE.
 */
#include "executor.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_BYTES (512u << 10)
#define PARKED_BYTES (64u << 10) /* the top of it stays the parked thread's own */
#define HWCAP2_FSGSBASE_BIT 2u

struct coroutine {
    void *sp;
    void *fs;
    char *stack;
    pthread_t id;
    atomic_uint parked;
};

HUNT_STATE static struct coroutine coroutines[HUNT_THREADS_MAX];
HUNT_STATE static atomic_uint closing;
HUNT_STATE static bool is_open;

long __real_syscall(long number, ...);
int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*start)(void *),
                          void *argument);
int __real_pthread_join(pthread_t id, void **result);
int __real_munmap(void *addr, size_t length);
int __real_mprotect(void *addr, size_t length, int protection);
void *__real_mmap(void *addr, size_t length, int protection, int flags, int fd, off_t offset);

/* hunt_swap(save_sp, sp, fs): callee-saved registers on the old stack, then over to the new one.
 * MXCSR and the x87 control word stay: code under test does not change them. */
void hunt_swap(void **save_sp, void *sp, void *fs);
__asm__(".text\n"
        ".p2align 4\n"
        ".globl hunt_swap\n"
        ".hidden hunt_swap\n"
        ".type hunt_swap, @function\n"
        "hunt_swap:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    wrfsbase %rdx\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size hunt_swap, . - hunt_swap\n");

static void *thread_pointer(void) {
    void *fs;
    __asm__ volatile("rdfsbase %0" : "=r"(fs));
    return fs;
}

static void *park(void *argument) {
    struct coroutine *self = argument;
    self->fs = thread_pointer();
    atomic_store(&self->parked, 1);
    __real_syscall(SYS_futex, &self->parked, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    while (atomic_load(&closing) == 0)
        __real_syscall(SYS_futex, &closing, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

static bool open_one(struct coroutine *self) {
    pthread_attr_t attr;
    self->stack = __real_mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (self->stack == MAP_FAILED || pthread_attr_init(&attr) != 0)
        return false;
    atomic_store(&self->parked, 0);
    __real_mprotect(self->stack, 4096,
                    PROT_NONE); /* an overflow is a crash, not damage next door */
    bool started = pthread_attr_setstack(&attr, self->stack, STACK_BYTES) == 0 &&
                   __real_pthread_create(&self->id, &attr, park, self) == 0;
    pthread_attr_destroy(&attr);
    while (started && atomic_load(&self->parked) == 0)
        __real_syscall(SYS_futex, &self->parked, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return started;
}

static bool coroutine_open(void) {
    if (is_open)
        return true;
    atomic_store(&closing, 0);
    for (unsigned i = 1; i < HUNT_THREADS_MAX; i++) {
        if (!open_one(&coroutines[i]))
            return false;
        hunt.threads[i].handle = (uintptr_t)coroutines[i].id;
    }
    coroutines[0].fs = thread_pointer();
    hunt.threads[0].handle = (uintptr_t)pthread_self();
    is_open = true;
    return true;
}

static void coroutine_close(void) {
    if (!is_open)
        return;
    atomic_store(&closing, 1);
    __real_syscall(SYS_futex, &closing, FUTEX_WAKE_PRIVATE, HUNT_THREADS_MAX, NULL, NULL, 0);
    for (unsigned i = 1; i < HUNT_THREADS_MAX; i++) {
        __real_pthread_join(coroutines[i].id, NULL);
        __real_munmap(coroutines[i].stack, STACK_BYTES);
    }
    is_open = false;
}

__attribute__((noreturn)) static void entry(void) {
    hunt_thread_main(hunt.current);
    __builtin_unreachable();
}

/* A stack as hunt_swap leaves it: six registers, the return address, and one word to keep the
 * alignment that a function finds after a call. */
static void coroutine_arm(struct hunt_thread *thread) {
    struct coroutine *self = &coroutines[thread->id];
    uintptr_t *top = (uintptr_t *)(void *)(self->stack + STACK_BYTES - PARKED_BYTES);
    *--top = 0;
    *--top = (uintptr_t)entry;
    top -= 6;
    for (unsigned i = 0; i < 6; i++)
        top[i] = 0;
    self->sp = top;
}

static void coroutine_transfer(struct hunt_thread *from, struct hunt_thread *to) {
    const struct coroutine *next = &coroutines[to->id];
    hunt_swap(&coroutines[from->id].sp, next->sp, next->fs);
}

__attribute__((noreturn)) static void coroutine_leave(struct hunt_thread *from,
                                                      struct hunt_thread *to) {
    coroutine_transfer(from, to);
    __builtin_unreachable();
}

const struct hunt_executor hunt_executor_coroutine = {.name = "coroutine",
                                                      .open = coroutine_open,
                                                      .close = coroutine_close,
                                                      .arm = coroutine_arm,
                                                      .transfer = coroutine_transfer,
                                                      .leave = coroutine_leave};

const struct hunt_executor *hunt_executor_by_name(const char *name, const char **why) {
    bool can = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT) != 0;
    *why = "no such executor: it is coroutine or baton";
    if (strcmp(name, "baton") == 0)
        return &hunt_executor_baton;
    if (strcmp(name, "auto") == 0)
        return can ? &hunt_executor_coroutine : &hunt_executor_baton;
    if (strcmp(name, "coroutine") == 0 && can)
        return &hunt_executor_coroutine;
    if (strcmp(name, "coroutine") == 0)
        *why = "coroutines need the WRFSBASE instruction (Linux 5.9 and a CPU with FSGSBASE): use "
               "baton";
    return NULL;
}
