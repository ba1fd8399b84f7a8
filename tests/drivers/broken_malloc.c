/* SPDX-License-Identifier: MIT */
/**
 * @file broken_malloc.c
 * A malloc that breaks one promise, to preload under the stress scenarios: each
 * of their verifications must see it. BROKEN_MALLOC names the fault; without it
 * this is a correct malloc (a bump allocator that never reuses memory).
 *
 * Faults begin with the first thread that a program starts, so that none hits
 * the start of the program itself. Each thread has a chunk of its own to take
 * blocks from, so that which of them overlap does not depend on how threads
 * take turns.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum fault {
    NONE,
    OVERLAP,   /* now and then a block begins inside the one before */
    TWICE,     /* now and then a block is handed out twice */
    CALLOC,    /* the last byte of calloc is not zero */
    REALLOC,   /* realloc drops the last byte */
    MISALIGN,  /* malloc gives 8 modulo 16 */
    ALIGNMENT, /* aligned calls align to 16 only */
    USABLE,    /* malloc_usable_size is one short */
    NO_BLOCK,  /* NULL with memory left */
    ERRNO,     /* NULL without ENOMEM when memory ends */
    LOST,      /* freed memory never serves again */
    CEILING,   /* no more than so many bytes of small blocks at once */
    REMOTE,    /* a free by another thread writes into the next block */
    DTOR,      /* a thread's allocator is gone before its last destructors */
    FORK_LOCK, /* a lock that a child of fork() finds taken */
    FORK_LOSS, /* a child of fork() finds blocks changed */
    CRASH,
    HANG,
    FAULT_COUNT
};

static const char *const fault_names[FAULT_COUNT] = {
    "none",  "overlap", "twice",   "calloc", "realloc", "misalign",  "alignment", "usable", "null",
    "errno", "lost",    "ceiling", "remote", "dtor",    "fork-lock", "fork-loss", "crash",  "hang"};

struct header {
    size_t size_bytes;
    uint64_t owner;
};
_Static_assert(sizeof(struct header) == 16, "blocks after a header stay aligned to 16");

enum { OVERLAP_BYTES = 32, DTOR_BYTES = 1 << 17, CHUNK_BYTES = 1 << 18 };
static const size_t arena_bytes = (size_t)1 << 36;
static const size_t limited_bytes = (size_t)64 << 20;
static const size_t ceiling_bytes = (size_t)20 << 20;

static char *arena;             /* const after start */
static size_t arena_used_bytes; /* atomic */
static enum fault fault;        /* const after start */
static pid_t main_process;      /* const after start */
static size_t small_live_bytes; /* atomic */
static uint64_t thread_total;   /* atomic */
static bool is_armed;           /* atomic: a second thread exists */
static pthread_key_t end_key;   /* const after start */
static pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;
static _Alignas(16) char dtor_buffer[DTOR_BYTES];

static __thread uint64_t own_id;
static __thread uint64_t call_count;
static __thread void *last_block;
static __thread char *chunk_next;
static __thread char *chunk_end;
static __thread bool is_ended;

static struct header *header_of(void *block) {
    return (struct header *)block - 1;
}

static void handle_end(void *value) {
    (void)value;
    is_ended = true;
}

static void create_arena(void) {
    void *pages = mmap(NULL, arena_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) {
        abort();
    }
    arena = pages;
}

static void take_fork_lock(void) {
    pthread_mutex_lock(&fork_lock);
}

static void release_fork_lock(void) {
    pthread_mutex_unlock(&fork_lock);
}

__attribute__((constructor)) static void start(void) {
    const char *name = getenv("BROKEN_MALLOC");
    pthread_key_create(&end_key, handle_end);
    main_process = getpid();
    for (int i = 0; name != NULL && i < FAULT_COUNT; i++) {
        if (strcmp(name, fault_names[i]) == 0) {
            fault = (enum fault)i;
        }
    }
    if (fault == FORK_LOCK) { /* and forgets the child, in which nobody releases it */
        pthread_atfork(take_fork_lock, release_fork_lock, NULL);
    }
}

static void meet_thread(void) {
    own_id = __atomic_add_fetch(&thread_total, 1, __ATOMIC_RELAXED);
    if (own_id == 1) {
        create_arena(); /* the first call is before any thread */
        return;
    }
    __atomic_store_n(&is_armed, true, __ATOMIC_RELAXED);
    if (fault == DTOR) {
        pthread_setspecific(end_key, &own_id);
    }
}

static bool is_limited(size_t size_bytes) {
    return (fault == ERRNO || fault == LOST) &&
           __atomic_load_n(&arena_used_bytes, __ATOMIC_RELAXED) + size_bytes > limited_bytes;
}

/** Memory that nobody had before; NULL when the arena is used up. */
static char *take_fresh(size_t taken_bytes) {
    if (taken_bytes > (size_t)(chunk_end - chunk_next)) {
        size_t chunk_bytes = taken_bytes > CHUNK_BYTES ? taken_bytes : CHUNK_BYTES;
        size_t offset = __atomic_fetch_add(&arena_used_bytes, chunk_bytes, __ATOMIC_RELAXED);
        if (offset + chunk_bytes > arena_bytes) {
            return NULL;
        }
        chunk_next = arena + offset;
        chunk_end = chunk_next + chunk_bytes;
    }
    char *fresh = chunk_next;
    chunk_next += taken_bytes;
    return fresh;
}

/** The correct part: a new block, NULL and ENOMEM when the arena is used up. */
static void *bump(size_t alignment_bytes, size_t size_bytes) {
    size_t taken_bytes = (sizeof(struct header) + alignment_bytes + size_bytes + 15) & ~(size_t)15;
    if (size_bytes > arena_bytes / 4 || is_limited(size_bytes)) {
        errno = fault == ERRNO ? 0 : ENOMEM;
        return NULL;
    }
    char *fresh = take_fresh(taken_bytes);
    if (fresh == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t first = (uintptr_t)fresh + sizeof(struct header);
    void *block = (void *)((first + alignment_bytes - 1) & ~(uintptr_t)(alignment_bytes - 1));
    header_of(block)->size_bytes = size_bytes;
    header_of(block)->owner = own_id;
    return block;
}

/** True in one of `period` calls of a thread, once faults may happen. */
static bool strikes(uint64_t period) {
    return __atomic_load_n(&is_armed, __ATOMIC_RELAXED) && call_count % period == 0;
}

static void *overlapping(size_t size_bytes) {
    void *before = last_block;
    if (before == NULL || size_bytes < 64 || header_of(before)->size_bytes < 64) {
        return bump(16, size_bytes);
    }
    if (header_of(before)->size_bytes > size_bytes + 64) {
        char *inside = (char *)before + 64;
        header_of(inside)->size_bytes = size_bytes;
        header_of(inside)->owner = own_id;
        return inside;
    }
    char *end = (char *)before + (header_of(before)->size_bytes & ~(size_t)15);
    char *block = end - OVERLAP_BYTES;
    /* What lies after `before` is for the next block; take room. */
    void *fresh = bump(16, size_bytes + OVERLAP_BYTES);
    if (fresh == NULL || (char *)fresh - end > 64) {
        return fresh;
    }
    header_of(block)->size_bytes = size_bytes;
    header_of(block)->owner = own_id;
    return block;
}

static void *again(size_t size_bytes) {
    if (last_block == NULL || header_of(last_block)->size_bytes < size_bytes) {
        return bump(16, size_bytes);
    }
    return last_block;
}

static void *misaligned(size_t size_bytes) {
    char *block = bump(16, size_bytes + 16);
    struct header header = *header_of(block);
    memcpy(block - 8, &header, sizeof(header)); /* half of it in the block: not reached */
    return block + 8;
}

static void *no_block(int error) {
    errno = error;
    return NULL;
}

static void use_fork_lock(void) {
    take_fork_lock();
    release_fork_lock();
}

static void *after_end(size_t size_bytes) {
    return size_bytes + 16 <= sizeof(dtor_buffer) ? dtor_buffer + 16 : no_block(ENOMEM);
}

static _Noreturn void hang(void) {
    for (;;) {
        pause();
    }
}

static void *faulty(size_t size_bytes) {
    switch (fault) {
    case OVERLAP:
        return strikes(16) ? overlapping(size_bytes) : bump(16, size_bytes);
    case TWICE:
        return strikes(64) ? again(size_bytes) : bump(16, size_bytes);
    case MISALIGN:
        return strikes(16) && size_bytes >= 16 ? misaligned(size_bytes) : bump(16, size_bytes);
    case NO_BLOCK:
        return strikes(64) ? no_block(ENOMEM) : bump(16, size_bytes);
    case CEILING:
        return size_bytes <= 2048 && __atomic_add_fetch(&small_live_bytes, size_bytes,
                                                        __ATOMIC_RELAXED) > ceiling_bytes
                   ? no_block(ENOMEM)
                   : bump(16, size_bytes);
    case DTOR:
        return is_ended ? after_end(size_bytes) : bump(16, size_bytes);
    case FORK_LOCK:
        use_fork_lock();
        return bump(16, size_bytes);
    case CRASH:
        if (strikes(64)) {
            raise(SIGSEGV);
        }
        return bump(16, size_bytes);
    case HANG:
        if (strikes(64)) {
            hang();
        }
        return bump(16, size_bytes);
    default:
        return bump(16, size_bytes);
    }
}

void *malloc(size_t size_bytes) {
    if (own_id == 0) {
        meet_thread();
    }
    call_count++;
    void *block = faulty(size_bytes);
    last_block = is_ended ? NULL : block;
    return block;
}

static char *find_next(void *block) {
    return (char *)block + ((header_of(block)->size_bytes + 15) & ~(size_t)15) + 32;
}

/** Changes the block after this one, if there is one already. */
static void spoil_next(void *block, char value) {
    char *next = find_next(block);
    if (header_of(next)->owner != 0) {
        *next = value;
    }
}

static bool is_in_arena(const void *block) {
    return (const char *)block >= arena && (const char *)block < arena + arena_bytes;
}

void free(void *block) {
    if (block == NULL || !is_in_arena(block)) {
        return;
    }
    if (fault == CEILING && header_of(block)->size_bytes <= 2048) {
        __atomic_fetch_sub(&small_live_bytes, header_of(block)->size_bytes, __ATOMIC_RELAXED);
    }
    if (fault == REMOTE && header_of(block)->owner != own_id) {
        spoil_next(block, 'R');
    }
    if (fault == FORK_LOSS && getpid() != main_process) {
        spoil_next(block, 'F');
    }
}

void *calloc(size_t count, size_t size_bytes) {
    size_t total_bytes;
    if (__builtin_mul_overflow(count, size_bytes, &total_bytes)) {
        return no_block(ENOMEM);
    }
    if (own_id == 0) {
        meet_thread();
    }
    call_count++;
    char *block = bump(16, total_bytes); /* fresh pages: zeroes */
    if (block != NULL && fault == CALLOC && total_bytes > 0 && strikes(8)) {
        block[total_bytes - 1] = 'C';
    }
    return block;
}

void *realloc(void *old, size_t size_bytes) {
    void *block = malloc(size_bytes);
    if (old == NULL || block == NULL || block == old) {
        return block;
    }
    size_t old_bytes = header_of(old)->size_bytes;
    size_t kept_bytes = old_bytes < size_bytes ? old_bytes : size_bytes;
    if (fault == REALLOC && kept_bytes > 0) {
        kept_bytes--;
    }
    memcpy(block, old, kept_bytes);
    free(old);
    return block;
}

void *memalign(size_t alignment_bytes, size_t size_bytes) {
    if (own_id == 0) {
        meet_thread();
    }
    bool is_ignored = fault == ALIGNMENT || alignment_bytes < 16;
    return bump(is_ignored ? 16 : alignment_bytes, size_bytes);
}

void *aligned_alloc(size_t alignment_bytes, size_t size_bytes) {
    return memalign(alignment_bytes, size_bytes);
}

int posix_memalign(void **block, size_t alignment_bytes, size_t size_bytes) {
    *block = memalign(alignment_bytes, size_bytes);
    return *block != NULL ? 0 : ENOMEM;
}

size_t malloc_usable_size(void *block) {
    if (block == NULL || !is_in_arena(block)) {
        return DTOR_BYTES - 16;
    }
    return header_of(block)->size_bytes - (fault == USABLE);
}
