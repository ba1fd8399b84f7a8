/* SPDX-License-Identifier: MIT */
/*
 * The kernel as code under test sees it (wrapped at link time): mappings at the same addresses in
 * every run and gone with the schedule, a fake clock, yields that yield to the strategy, futexes
 * that are engine waits, and OS calls that can be made to fail.
 */
#include "engine.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ARENA ((char *)0x100000000000) /* nothing of the kernel's or libc's is near */
#define ARENA_BYTES ((size_t)16 << 30)
#define ARENA_SMALL_BYTES ((size_t)1 << 30) /* under a limited address space */
#define HEAP_BYTES ((size_t)16 << 20)       /* hunt_alloc's part, at the arena's start */
#define OS_PAGE_BYTES ((size_t)4096)
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define STDERR_BYTES 2048u
#define COARSE_NS 4000000u /* the coarse clocks' tick, as with the kernel's HZ=250 */

HUNT_STATE static size_t arena_bytes, mapped_bytes, heap_used;
HUNT_STATE static char stderr_text[STDERR_BYTES];
HUNT_STATE static size_t stderr_used;

void *__real_mmap(void *addr, size_t length, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t length);
void *__real_mremap(void *addr, size_t old_length, size_t length, int flags, ...);
int __real_madvise(void *addr, size_t length, int advice);
int __real_mprotect(void *addr, size_t length, int protection);
int __real_sched_yield(void);
int __real_nanosleep(const struct timespec *wanted, struct timespec *left);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
ssize_t __real_write(int fd, const void *bytes, size_t size_bytes);
long __real_syscall(long number, ...);
void *__real_memcpy(void *to, const void *from, size_t size_bytes);

void *__wrap_mmap(void *addr, size_t length, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *addr, size_t length);
void *__wrap_mremap(void *addr, size_t old_length, size_t length, int flags, ...);
int __wrap_madvise(void *addr, size_t length, int advice);
int __wrap_mprotect(void *addr, size_t length, int protection);
int __wrap_sched_yield(void);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_usleep(useconds_t us);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
ssize_t __wrap_write(int fd, const void *bytes, size_t size_bytes);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

static size_t round_up(size_t size_bytes) {
    return (size_bytes + OS_PAGE_BYTES - 1) & ~(OS_PAGE_BYTES - 1);
}

bool hunt_os_open(void) {
    if (arena_bytes != 0)
        return true;
    arena_bytes = ARENA_BYTES;
    if (!hunt_pages_open(ARENA + HEAP_BYTES, arena_bytes - HEAP_BYTES)) {
        arena_bytes = ARENA_SMALL_BYTES;
        if (!hunt_pages_open(ARENA + HEAP_BYTES, arena_bytes - HEAP_BYTES))
            return false;
    }
    mapped_bytes = HEAP_BYTES;
    return __real_mmap(ARENA, HEAP_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
                       0) == ARENA;
}

void hunt_os_reset(void) {
    __real_memset(ARENA, 0, heap_used);
    heap_used = 0;
    stderr_used = 0;
    hunt_pages_reset(ARENA + mapped_bytes);
    mapped_bytes = HEAP_BYTES;
}

void *hunt_os_reserve_state(size_t size_bytes) {
    void *memory = __real_mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

void *hunt_alloc(size_t size_bytes) {
    size_t rounded = (size_bytes + 15) & ~(size_t)15;
    if (hunt.current == NULL || rounded > HEAP_BYTES - heap_used)
        return NULL;
    void *memory = ARENA + heap_used;
    heap_used += rounded;
    return memory;
}

bool hunt_alloc_owns(const void *block) {
    return (const char *)block >= ARENA && (const char *)block < ARENA + HEAP_BYTES;
}

bool hunt_os_is_mapped(const void *addr) {
    return (const char *)addr >= ARENA && (const char *)addr < ARENA + mapped_bytes;
}

/* ---- a step, and perhaps a failure ---- */

static bool os_step_fails(const char *name, uintptr_t addr, size_t length, uintptr_t pc,
                          bool may_fail) {
    hunt_step(&(struct hunt_event){
        .kind = HUNT_OP_OS, .name = name, .addr = addr, .size = (uint32_t)length, .pc = pc});
    if (!may_fail || hunt.current->id == 0 || hunt.fault_count >= hunt.scenario->fault_max)
        return false;
    if (hunt_decide_value(HUNT_DECIDE_FAULT, 2) == 0)
        return false;
    hunt.fault_count++;
    if (hunt.tracing)
        hunt_trace_last()->failed = true;
    errno = ENOMEM;
    return true;
}

/* ---- mappings ---- */

static bool is_in_arena(const void *addr) {
    return (const char *)addr >= ARENA && (const char *)addr < ARENA + arena_bytes;
}

/* New addresses each time: what touches a mapping that is gone, crashes and is found. As in Linux
 * since 6.7, what is a multiple of a huge page starts on one. */
static void *next_address(size_t length, int flags, const void *hint) {
    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0)
        return (void *)(uintptr_t)hint;
    size_t rounded = round_up(length), start = mapped_bytes;
    if (rounded % HUGE_PAGE_BYTES == 0)
        start = (start + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
    if (rounded > arena_bytes - start)
        return NULL;
    mapped_bytes = start + rounded;
    return ARENA + start;
}

/* Memory of the arena that nobody has had in this schedule is what an ordinary mmap gives. */
static void *map_at(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    bool is_plain = (flags & MAP_ANONYMOUS) != 0 && (flags & MAP_SHARED) == 0 &&
                    protection == (PROT_READ | PROT_WRITE) &&
                    (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0;
    if (is_plain)
        return at;
    if (is_in_arena(at))
        hunt_pages_leave_to_kernel((uintptr_t)at, length);
    return __real_mmap(at, length, protection, (flags & ~MAP_FIXED_NOREPLACE) | MAP_FIXED, fd,
                       offset);
}

void *__wrap_mmap(void *addr, size_t length, int protection, int flags, int fd, off_t offset) {
    if (!hunt_is_on()) {
        void *mapped = __real_mmap(addr, length, protection, flags, fd, offset);
        if (mapped != MAP_FAILED && (flags & MAP_ANONYMOUS) != 0)
            hunt_early_map(mapped, length);
        return mapped;
    }
    if (os_step_fails("mmap", 0, length, HUNT_CALLER(), true))
        return MAP_FAILED;
    void *at = next_address(length, flags, addr);
    if (at == NULL) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    hunt_shadow_forget((uintptr_t)at, length);
    return map_at(at, length, protection, flags, fd, offset);
}

static int unmap(void *addr, size_t length) {
    hunt_shadow_forget((uintptr_t)addr, length);
    if (hunt_early_owns(addr))
        return 0; /* stays, for the next schedule starts with it */
    if (!is_in_arena(addr))
        return __real_munmap(addr, length);
    hunt_pages_unmap((uintptr_t)addr, length);
    return 0;
}

int __wrap_munmap(void *addr, size_t length) {
    if (!hunt_is_on()) {
        hunt_early_unmap(addr, length);
        return __real_munmap(addr, length);
    }
    (void)os_step_fails("munmap", (uintptr_t)addr, length, HUNT_CALLER(), false);
    return unmap(addr, length);
}

void *__wrap_mremap(void *addr, size_t old_length, size_t length, int flags, ...) {
    if (!hunt_is_on())
        return __real_mremap(addr, old_length, length, flags);
    if (os_step_fails("mremap", (uintptr_t)addr, length, HUNT_CALLER(), true))
        return MAP_FAILED;
    if (length <= old_length) {
        if (round_up(length) < round_up(old_length))
            unmap((char *)addr + round_up(length), round_up(old_length) - round_up(length));
        return addr;
    }
    void *at = (flags & MREMAP_MAYMOVE) != 0 ? next_address(length, 0, NULL) : NULL;
    if (at == NULL) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    hunt_shadow_forget((uintptr_t)at, length);
    hunt_pages_copy((uintptr_t)at, (uintptr_t)addr, old_length);
    unmap(addr, old_length);
    return at;
}

int __wrap_madvise(void *addr, size_t length, int advice) {
    if (!hunt_is_on())
        return __real_madvise(addr, length, advice);
    if (os_step_fails("madvise", (uintptr_t)addr, length, HUNT_CALLER(), true))
        return -1;
    if (advice == MADV_DONTNEED)
        hunt_plain_access((uintptr_t)addr, length, true, HUNT_CALLER()); /* it writes zeroes */
    if (!is_in_arena(addr))
        return __real_madvise(addr, length, advice);
    if (advice == MADV_DONTNEED)
        hunt_pages_zero((uintptr_t)addr, length);
    return 0;
}

int __wrap_mprotect(void *addr, size_t length, int protection) {
    if (hunt_is_on() && os_step_fails("mprotect", (uintptr_t)addr, length, HUNT_CALLER(), true))
        return -1;
    if (hunt_is_on() && is_in_arena(addr))
        hunt_pages_leave_to_kernel((uintptr_t)addr, length);
    return __real_mprotect(addr, length, protection);
}

/* ---- time ---- */

int __wrap_sched_yield(void) {
    if (!hunt_is_on())
        return __real_sched_yield();
    hunt_step(
        &(struct hunt_event){.kind = HUNT_OP_RELAX, .name = "sched_yield", .pc = HUNT_CALLER()});
    return 0;
}

static void sleep_for(uint64_t ns, uintptr_t pc) {
    hunt.clock_ns += ns;
    hunt_step(&(struct hunt_event){.kind = HUNT_OP_RELAX, .name = "sleep", .pc = pc});
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left) {
    if (!hunt_is_on())
        return __real_nanosleep(wanted, left);
    sleep_for((uint64_t)wanted->tv_sec * 1000000000u + (uint64_t)wanted->tv_nsec, HUNT_CALLER());
    return 0;
}

int __wrap_usleep(useconds_t us) {
    if (hunt_is_on())
        sleep_for((uint64_t)us * 1000u, HUNT_CALLER());
    else
        __real_nanosleep(&(struct timespec){us / 1000000, (long)(us % 1000000) * 1000}, NULL);
    return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    uint64_t ns = hunt.clock_ns;
    if (hunt.current == NULL)
        return __real_clock_gettime(clock, now);
    if (clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_REALTIME_COARSE)
        ns -= ns % COARSE_NS;
    hunt_signature_saw(ns);
    now->tv_sec = (time_t)(ns / 1000000000u);
    now->tv_nsec = (long)(ns % 1000000000u);
    return 0;
}

/* ---- stderr is part of the finding; syscall(SYS_futex) is an engine wait ---- */

ssize_t __wrap_write(int fd, const void *bytes, size_t size_bytes) {
    if (hunt.current == NULL || fd != STDERR_FILENO)
        return __real_write(fd, bytes, size_bytes);
    size_t room = STDERR_BYTES - 1 - stderr_used;
    size_t kept = size_bytes < room ? size_bytes : room;
    __real_memcpy(stderr_text + stderr_used, bytes, kept);
    stderr_used += kept;
    return (ssize_t)size_bytes;
}

const char *hunt_stderr_text(void) {
    stderr_text[stderr_used] = '\0';
    return stderr_text;
}

static long futex_wait(const volatile uint32_t *word, uint32_t expected, bool timed, uintptr_t pc) {
    hunt_step(
        &(struct hunt_event){.kind = HUNT_OP_WAIT, .size = 4, .addr = (uintptr_t)word, .pc = pc});
    bool differs = *word != expected;
    if (differs && hunt.tracing && hunt.current->id != 0)
        hunt_trace_last()->failed = true;
    if (!differs && hunt_wait_on(word, timed, pc))
        return 0;
    errno = differs ? EAGAIN : ETIMEDOUT;
    return -1;
}

/* All the arguments a system call can have: the caller passed some of them, the kernel reads those.
 */
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
    if (hunt.current != NULL && number == SYS_write)
        return __wrap_write((int)a, (const void *)(uintptr_t)b, (size_t)c);
    if (!hunt_is_on() || number != SYS_futex)
        return __real_syscall(number, a, b, c, d, e, f);
    const volatile uint32_t *word = (const volatile uint32_t *)(uintptr_t)a;
    switch (b & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        return futex_wait(word, (uint32_t)c, d != 0, HUNT_CALLER());
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return (long)hunt_wake_on(word, c > 0 ? (unsigned)c : 0, HUNT_CALLER());
    default:
        hunt_fail(HUNT_MISUSE, (uint64_t)b,
                  "futex operation %ld is not one the engine knows (wait, wake)",
                  b & FUTEX_CMD_MASK);
    }
}
