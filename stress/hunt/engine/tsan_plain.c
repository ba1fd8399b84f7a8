/* SPDX-License-Identifier: MIT */
/* The part of the compiler's -fsanitize=thread ABI that reports plain accesses and calls. */
#include "engine.h"

#include <string.h>

#define PLAIN(name, size_bytes, write)                                                             \
    void name(void *addr);                                                                         \
    void name(void *addr) {                                                                        \
        if (hunt_is_on())                                                                          \
            hunt_plain_access((uintptr_t)addr, size_bytes, write, HUNT_CALLER());                  \
    }

#define PLAIN_SIZE(n)                                                                              \
    PLAIN(__tsan_read##n, n, false)                                                                \
    PLAIN(__tsan_write##n, n, true)                                                                \
    PLAIN(__tsan_unaligned_read##n, n, false)                                                      \
    PLAIN(__tsan_unaligned_write##n, n, true)

PLAIN_SIZE(1)
PLAIN_SIZE(2)
PLAIN_SIZE(4)
PLAIN_SIZE(8)
PLAIN_SIZE(16)

#define PLAIN_BOTH(name, size_bytes)                                                               \
    void name(void *addr);                                                                         \
    void name(void *addr) {                                                                        \
        if (!hunt_is_on())                                                                         \
            return;                                                                                \
        hunt_plain_access((uintptr_t)addr, size_bytes, false, HUNT_CALLER());                      \
        hunt_plain_access((uintptr_t)addr, size_bytes, true, HUNT_CALLER());                       \
    }

#define PLAIN_BOTH_SIZE(n)                                                                         \
    PLAIN_BOTH(__tsan_read_write##n, n)                                                            \
    PLAIN_BOTH(__tsan_unaligned_read_write##n, n)

PLAIN_BOTH_SIZE(1)
PLAIN_BOTH_SIZE(2)
PLAIN_BOTH_SIZE(4)
PLAIN_BOTH_SIZE(8)
PLAIN_BOTH_SIZE(16)

/* A volatile access may be how somebody waits: a scheduling point, but still a plain access. */
static void volatile_access(uintptr_t addr, size_t size_bytes, bool write, uintptr_t pc) {
    if (!hunt_is_on() || hunt.current->id == 0)
        return;
    hunt_step(&(struct hunt_event){.kind = write ? HUNT_OP_WRITE : HUNT_OP_READ,
                                   .size = (uint32_t)size_bytes,
                                   .addr = addr,
                                   .pc = pc});
    hunt_shadow_access(addr, size_bytes, write, false, pc);
    if (write)
        hunt_memory_overwritten(addr, size_bytes);
}

#define VOLATILE(name, size_bytes, write)                                                          \
    void name(void *addr);                                                                         \
    void name(void *addr) {                                                                        \
        volatile_access((uintptr_t)addr, size_bytes, write, HUNT_CALLER());                        \
    }

#define VOLATILE_SIZE(n)                                                                           \
    VOLATILE(__tsan_volatile_read##n, n, false)                                                    \
    VOLATILE(__tsan_volatile_write##n, n, true)                                                    \
    VOLATILE(__tsan_unaligned_volatile_read##n, n, false)                                          \
    VOLATILE(__tsan_unaligned_volatile_write##n, n, true)

VOLATILE_SIZE(1)
VOLATILE_SIZE(2)
VOLATILE_SIZE(4)
VOLATILE_SIZE(8)
VOLATILE_SIZE(16)

void __tsan_init(void);
void __tsan_read_range(void *addr, size_t size_bytes);
void __tsan_write_range(void *addr, size_t size_bytes);
void __tsan_vptr_read(void **vptr);
void __tsan_vptr_update(void **vptr, void *value);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_end(void);
void *__tsan_memset(void *to, int byte, size_t size_bytes);
void *__tsan_memcpy(void *to, const void *from, size_t size_bytes);
void *__tsan_memmove(void *to, const void *from, size_t size_bytes);

void __tsan_init(void) {
}

void __tsan_read_range(void *addr, size_t size_bytes) {
    if (hunt_is_on())
        hunt_plain_access((uintptr_t)addr, size_bytes, false, HUNT_CALLER());
}

void __tsan_write_range(void *addr, size_t size_bytes) {
    if (hunt_is_on())
        hunt_plain_access((uintptr_t)addr, size_bytes, true, HUNT_CALLER());
}

void __tsan_vptr_read(void **vptr) {
    if (hunt_is_on())
        hunt_plain_access((uintptr_t)vptr, sizeof *vptr, false, HUNT_CALLER());
}

void __tsan_vptr_update(void **vptr, void *value) {
    if (hunt_is_on() &&
        *vptr != value) /* constructors rewrite the same pointer: no race with readers */
        hunt_plain_access((uintptr_t)vptr, sizeof *vptr, true, HUNT_CALLER());
}

void __tsan_func_entry(void *caller) {
    struct hunt_thread *self = hunt.current;
    if (self != NULL)
        self->calls[self->call_depth++ % HUNT_CALLS_MAX] = (uintptr_t)caller;
}

void __tsan_func_exit(void) {
    if (hunt.current != NULL)
        hunt.current->call_depth--;
}

/* clang brackets code it wants ignored with these; nothing we use them for. */
void __tsan_ignore_thread_begin(void) {
}

void __tsan_ignore_thread_end(void) {
}

/* ---- memset and friends: clang calls the __tsan_ names, gcc the plain ones (see --wrap) ---- */

void *__real_memcpy(void *to, const void *from, size_t size_bytes);
void *__wrap_memset(void *to, int byte, size_t size_bytes);
void *__wrap_memcpy(void *to, const void *from, size_t size_bytes);
void *__wrap_memmove(void *to, const void *from, size_t size_bytes);

static void before_copy(void *to, const void *from, size_t size_bytes, uintptr_t pc) {
    if (!hunt_is_on())
        return;
    if (from != NULL)
        hunt_plain_access((uintptr_t)from, size_bytes, false, pc);
    hunt_plain_access((uintptr_t)to, size_bytes, true, pc);
}

#define MEMORY_FUNCTIONS(prefix)                                                                   \
    void *prefix##_memset(void *to, int byte, size_t size_bytes) {                                 \
        before_copy(to, NULL, size_bytes, HUNT_CALLER());                                          \
        return __real_memset(to, byte, size_bytes);                                                \
    }                                                                                              \
    void *prefix##_memcpy(void *to, const void *from, size_t size_bytes) {                         \
        before_copy(to, from, size_bytes, HUNT_CALLER());                                          \
        return __real_memcpy(to, from, size_bytes);                                                \
    }                                                                                              \
    void *prefix##_memmove(void *to, const void *from, size_t size_bytes) {                        \
        before_copy(to, from, size_bytes, HUNT_CALLER());                                          \
        return __real_memmove(to, from, size_bytes);                                               \
    }

MEMORY_FUNCTIONS(__tsan)
MEMORY_FUNCTIONS(__wrap)
