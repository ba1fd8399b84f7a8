/* SPDX-License-Identifier: MIT */
/* os_memory.h and os_thread.h on Linux with glibc. Layer 1. */
#include "os/os_memory.h"
#include "os/os_thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/constants.h"

enum { CPU_MASK_WORDS = 128 }; /* 8192 CPUs, as many as Linux can have */

/* A statistic, and what carries order: address space goes from one thread to another
 * through the kernel, which the language knows nothing of. A mapping that grows in place
 * may be given what another thread had a moment ago. */
static _Atomic size_t reserved_bytes;

size_t hak_os_reserved_bytes(void) {
    return hak_load_relaxed(&reserved_bytes);
}

/* Before the call that gives it up. K1: release publishes what this thread did there to
 * K2 of all who are given address space later: these only add and subtract. */
static void note_giving_up(size_t size_bytes) {
    hak_sub_release(&reserved_bytes, size_bytes);
}

/* After the call that brought it. K2: acquire pairs with K1. */
static void note_given(size_t size_bytes) {
    hak_add_acquire(&reserved_bytes, size_bytes);
}

/* What was to be given up is still ours. */
static void note_kept(size_t size_bytes) {
    hak_add_relaxed(&reserved_bytes, size_bytes);
}

size_t hak_os_page_size_bytes(void) {
    /* Not sysconf(): it would make 64 KiB more of libc resident in every process. */
    return getauxval(AT_PAGESZ);
}

static void *map(size_t size_bytes, int extra_flags) {
    void *p = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Maps more than needed and cuts off both ends. */
static void *map_and_trim(size_t size_bytes, size_t alignment_bytes) {
    size_t padded = size_bytes + alignment_bytes - HAK_OS_PAGE_SIZE_BYTES;
    char *raw = padded < size_bytes ? NULL : map(padded, 0);
    if (raw == NULL) {
        return NULL;
    }
    char *aligned = (char *)hak_round_up((uintptr_t)raw, alignment_bytes);
    size_t before = (size_t)(aligned - raw), after = padded - before - size_bytes;
    if (before != 0) {
        munmap(raw, before);
    }
    if (after != 0) {
        munmap(aligned + size_bytes, after);
    }
    return aligned;
}

/* The kernel places new mappings right below the last one, so after the first
 * aligned one the next of a multiple of the alignment is aligned as it comes:
 * one call. */
void *hak_os_reserve(size_t size_bytes, size_t alignment_bytes) {
    int saved_errno = errno;
    void *p = map(size_bytes, 0);
    if (p != NULL && ((uintptr_t)p & (alignment_bytes - 1)) != 0) {
        munmap(p, size_bytes);
        p = map_and_trim(size_bytes, alignment_bytes);
    }
    if (p != NULL) {
        note_given(size_bytes);
    }
    errno = saved_errno;
    return p;
}

void *hak_os_reserve_sparse(size_t size_bytes) {
    int saved_errno = errno;
    void *p = map(size_bytes, MAP_NORESERVE);
    if (p != NULL) {
        madvise(p, size_bytes, MADV_DONTDUMP);
        madvise(p, size_bytes, MADV_NOHUGEPAGE);
    }
    errno = saved_errno;
    return p;
}

void hak_os_use_small_pages(void *address, size_t size_bytes) {
    int saved_errno = errno;
    madvise(address, size_bytes, MADV_NOHUGEPAGE); /* EINVAL: this kernel has no huge ones */
    errno = saved_errno;
}

size_t hak_os_space_limit_bytes(void) {
    static const __rlimit_resource_t resources[] = {RLIMIT_AS, RLIMIT_DATA};
    int saved_errno = errno;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        struct rlimit limit;
        if (getrlimit(resources[i], &limit) == 0 && limit.rlim_cur < least) {
            least = limit.rlim_cur; /* RLIM_INFINITY is the largest number */
        }
    }
    errno = saved_errno;
    return least;
}

/* Whole pages: the kernel rounds a length up, into memory that is in use. */
static void purge_pages(char *start, size_t size_bytes) {
    if (madvise(start, size_bytes, MADV_DONTNEED) != 0) {
        memset(start, 0, size_bytes); /* locked memory stays, but must read as zero */
    }
}

void hak_os_purge(void *address, size_t size_bytes) {
    int saved_errno = errno;
    size_t page = hak_os_page_size_bytes();
    char *start = address, *end = start + size_bytes;
    char *first = (char *)hak_round_up((uintptr_t)start, page);
    char *last = (char *)((uintptr_t)end & ~(uintptr_t)(page - 1));
    if (first >= last) { /* not one page */
        memset(start, 0, size_bytes);
    } else {
        memset(start, 0, (size_t)(first - start));
        purge_pages(first, (size_t)(last - first));
        memset(last, 0, (size_t)(end - last));
    }
    errno = saved_errno;
}

void hak_os_release(void *address, size_t size_bytes) {
    int saved_errno = errno;
    note_giving_up(size_bytes);
    if (munmap(address, size_bytes) != 0) { /* it would split an area, at the limit of areas */
        madvise(address, size_bytes, MADV_DONTNEED);
        note_kept(size_bytes);
    }
    errno = saved_errno;
}

bool hak_os_resize(void *address, size_t old_size_bytes, size_t new_size_bytes) {
    int saved_errno = errno;
    size_t tail_bytes = new_size_bytes < old_size_bytes ? old_size_bytes - new_size_bytes : 0;
    note_giving_up(tail_bytes);
    bool resized = mremap(address, old_size_bytes, new_size_bytes, 0) != MAP_FAILED;
    if (!resized) {
        note_kept(tail_bytes);
    } else if (new_size_bytes > old_size_bytes) {
        note_given(new_size_bytes - old_size_bytes);
    }
    errno = saved_errno;
    return resized;
}

bool hak_os_can_graft(void) {
    struct utsname kernel;
    char *rest;
    if (uname(&kernel) != 0) {
        return false;
    }
    long major = strtol(kernel.release, &rest, 10);
    long minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
    return major > 5 || (major == 5 && minor >= 2);
}

/* Whether the range is of one of the kernel's areas, and one that may grow, and mremap is
 * allowed at all. A program's mprotect or madvise may have split it, or mlock brought it to
 * RLIMIT_MEMLOCK; asked to move such a range, kernels before 6.17 unmap the target before
 * they refuse. So they are asked to grow it in place: they say EFAULT for several areas,
 * EAGAIN for too much locked memory, EPERM under a filter of system calls, and ENOMEM where
 * there is merely no room behind it. Not by so much that it could not fit: older ones charge
 * it to the system's commit limit before they see that it does not. */
static bool can_move_whole(char *address, size_t size_bytes) {
    size_t grown_bytes = size_bytes + HAK_SUPERSLAB_SIZE_BYTES;
    if (mremap(address, size_bytes, grown_bytes, 0) == MAP_FAILED) {
        return errno == ENOMEM;
    }
    munmap(address + size_bytes, HAK_SUPERSLAB_SIZE_BYTES); /* there was room behind it */
    return true;
}

static bool move_onto(void *address, size_t old_size_bytes, void *target, size_t new_size_bytes) {
    note_giving_up(old_size_bytes);
    void *p = mremap(address, old_size_bytes, new_size_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    if (p == MAP_FAILED) { /* the target may be another thread's by now: not to be unmapped */
        note_kept(old_size_bytes);
        note_giving_up(new_size_bytes);
    }
    return p != MAP_FAILED;
}

bool hak_os_move(void *address, size_t old_size_bytes, void *target, size_t new_size_bytes) {
    int saved_errno = errno;
    bool moved = false;
    if (can_move_whole(address, old_size_bytes)) {
        moved = move_onto(address, old_size_bytes, target, new_size_bytes);
    } else { /* the kernel has not heard of the target yet */
        hak_os_release(target, new_size_bytes);
    }
    errno = saved_errno;
    return moved;
}

static size_t graft_unit(size_t rest_bytes) {
    return rest_bytes < HAK_SUPERSLAB_SIZE_BYTES ? rest_bytes : HAK_SUPERSLAB_SIZE_BYTES;
}

size_t hak_os_graft(void *address, size_t size_bytes, void *target, size_t target_size_bytes) {
    int saved_errno = errno;
    char *from = address, *to = target;
    size_t moved = 0;
    note_giving_up(size_bytes);
    while (moved < size_bytes) {
        size_t old_unit = graft_unit(size_bytes - moved);
        size_t new_unit = graft_unit(target_size_bytes - moved);
        if (!can_move_whole(from + moved, old_unit) ||
            mremap(from + moved, old_unit, new_unit, MREMAP_MAYMOVE | MREMAP_FIXED, to + moved) ==
                MAP_FAILED) {
            break;
        }
        moved += old_unit;
    }
    note_kept(size_bytes - moved);
    errno = saved_errno;
    return moved;
}

uint64_t hak_os_clock_coarse_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The system call itself: glibc's cpu_set_t ends at 1,024 CPUs, and the kernel refuses a
 * mask that is too short. */
uint32_t hak_os_cpu_count(void) {
    uint64_t mask[CPU_MASK_WORDS] = {0};
    uint32_t count = 0;
    int saved_errno = errno;
    syscall(SYS_sched_getaffinity, 0, sizeof mask, mask); /* where it fails, none is set */
    errno = saved_errno;
    for (uint32_t i = 0; i < CPU_MASK_WORDS; i++) {
        count += hak_bit_count64(mask[i]);
    }
    return count > 0 ? count : 1;
}

/* --- Thread exit --------------------------------------------------------- */

static pthread_key_t exit_key;
static void (*exit_hook)(void);

/* Rounds of key destructors that this thread armed the hook for, and whether
 * the first has passed. Our key is the oldest, so in its first round it runs
 * before the other keys' destructors: setting it again makes the hook run in the
 * next, after them. A later round would come too late for threads that arm it
 * while their destructors run already, and for sanitizers, which end a thread's
 * state in the last. */
static char first_round, second_round;

static void on_key_round(void *value) {
    if (value == &first_round) {
        pthread_setspecific(exit_key, &second_round);
    } else {
        exit_hook();
    }
}

bool hak_os_thread_exit_init(void (*on_exit)(void)) {
    exit_hook = on_exit;
    return pthread_key_create(&exit_key, on_key_round) == 0;
}

void hak_os_thread_exit_arm(void) {
    pthread_setspecific(exit_key, &first_round);
}

/* Process and thread: a number may be given again, and a process that was forked without our
 * handlers has its parent's records. */
uint64_t hak_os_thread_self(void) {
    return (uint64_t)getpid() << 32 | (uint32_t)syscall(SYS_gettid);
}

bool hak_os_thread_is_gone(uint64_t thread) {
    int saved_errno = errno;
    pid_t process = (pid_t)(thread >> 32);
    bool is_gone = process == getpid() &&
                   syscall(SYS_tgkill, process, (pid_t)(uint32_t)thread, 0) != 0 && errno == ESRCH;
    errno = saved_errno;
    return is_gone;
}

/* --- fork ---------------------------------------------------------------- */

/* The C library's list of open files: its own fork takes that lock after all handlers and
 * before its malloc's, because a thread that holds a file's lock may allocate the file's
 * buffer, and one that flushes all files holds the list and waits for the file. glibc
 * exports these since 2.2.5 without declaring them; weak, for a C library without. */
__attribute__((weak)) extern void _IO_list_lock(void);
__attribute__((weak)) extern void _IO_list_unlock(void);
__attribute__((weak)) extern void _IO_list_resetlock(void);

/* Registered after ours, so that the list is locked before `prepare` and until after the
 * other two: preparations run last to first. */
void hak_os_fork_handlers(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    pthread_atfork(prepare, parent, child);
    pthread_atfork(_IO_list_lock, _IO_list_unlock, _IO_list_resetlock);
}
