/* SPDX-License-Identifier: MIT */
/*
 * Abandon and adopt (src/heap/heap_life.c): a thread exits and abandons its heap whole, two threads
 * want one, each visits the abandoned heaps to collect, a third forks, and two blocks of the heap
 * are freed late.
 * The slab's own protocol is in remote_free.pml; here a heap's chain is one count of announced
 * blocks, one of live ones, and a flag for who works on it.
 *
 * Proven for every interleaving:
 *   - at most one thread works on a heap's chain, and it is the owner or the visitor;
 *   - a heap has one owner, or is on the list of abandoned heaps, once, never both;
 *   - fork's handlers, which take every heap's lock and then the list's, find nobody at work, and
 *     close no cycle with a visitor, which holds the list and only tries the heaps' locks;
 *   - every late free is collected by somebody in the end: none is lost.
 *
 * MUTANT 1: adopting leaves the heap on the list.
 * MUTANT 2: a heap is linked before its caches are flushed and its chain is trimmed.
 * MUTANT 3: the visitor lets go of the list before it works on the heap.
 * MUTANT 4: the visitor waits for the heap's lock instead of trying it.
 */
#ifndef MUTANT
#define MUTANT 0
#endif

#define HEAPS 3
#define NONE 255

bool list_lock, birth_lock;
bool heap_lock[HEAPS];
bool listed[HEAPS];           /* on the list of abandoned heaps */
byte owner_of[HEAPS] = NONE;
byte heap_count = 1;

byte announced[HEAPS];        /* atomic: remote frees not yet collected */
byte live[HEAPS];             /* owner, under the heap's lock */
byte cached[HEAPS];           /* blocks in the owner's cache */
bool working[HEAPS];          /* ghost: somebody is inside the chain */
bool caching[HEAPS];          /* ghost: somebody uses the caches, which have no lock */

byte finished;

#define acquire(l) atomic { !l -> l = true }
#define release(l) l = false

/* Work on a chain is not atomic: two that meet in here fail. */
inline collect(h, got) {
    atomic { assert(!working[h]); working[h] = true };
    atomic { got = announced[h]; announced[h] = 0 };
    assert(got <= live[h]);
    live[h] = live[h] - got;
    atomic { assert(working[h]); working[h] = false }
}

inline link(h) {
    acquire(list_lock);
    atomic { assert(!listed[h]); listed[h] = true };
    release(list_lock)
}

inline flush_and_trim(h, got) {
    acquire(heap_lock[h]);
    atomic { assert(!caching[h]); caching[h] = true };
    live[h] = live[h] - cached[h];
    cached[h] = 0;
    caching[h] = false;
    collect(h, got);
    release(heap_lock[h])
}

inline abandon(h, got) {
    if
    :: MUTANT == 2 -> owner_of[h] = NONE; link(h); flush_and_trim(h, got)
    :: else -> flush_and_trim(h, got); owner_of[h] = NONE; link(h)
    fi
}

/* Any heap of the list, the newest in the code; else a new one. */
inline borrow(h, me) {
    acquire(list_lock);
    atomic {
        h = NONE;
        if
        :: listed[0] -> h = 0
        :: listed[1] -> h = 1
        :: listed[2] -> h = 2
        :: !listed[0] && !listed[1] && !listed[2] -> skip
        fi;
        if
        :: h != NONE && MUTANT != 1 -> listed[h] = false
        :: else -> skip
        fi
    };
    release(list_lock);
    if
    :: h == NONE ->
       acquire(birth_lock);
       h = heap_count;
       heap_count++;
       release(birth_lock)
    :: else -> skip
    fi;
    atomic { assert(owner_of[h] == NONE); owner_of[h] = me };
    assert(MUTANT == 1 || !listed[h])
}

/* Collects from abandoned heaps, one after the other, with the list locked. */
inline visit(h, got) {
    acquire(list_lock);
    h = 0;
    do
    :: h == HEAPS -> break
    :: h < HEAPS && !listed[h] -> h++
    :: h < HEAPS && listed[h] ->
       if
       :: MUTANT == 3 -> release(list_lock)
       :: else -> skip
       fi;
       if
       :: MUTANT == 4 ->
          acquire(heap_lock[h]); collect(h, got); release(heap_lock[h])
       :: MUTANT == 3 ->
          collect(h, got); acquire(list_lock)
       :: else ->
          atomic { taken = !heap_lock[h]; heap_lock[h] = true };
          if
          :: taken -> collect(h, got); release(heap_lock[h])
          :: else -> skip
          fi
       fi;
       h++
    od;
    release(list_lock)
}

/* fork()'s handlers: births stop, then every heap's lock, then the list. */
proctype forking() {
    byte h = 0;
    acquire(birth_lock);
    do
    :: h == heap_count -> break
    :: h < heap_count -> acquire(heap_lock[h]); h++
    od;
    acquire(list_lock);
    assert(!working[0] && !working[1] && !working[2]);
    release(list_lock);
    do
    :: h == 0 -> break
    :: h > 0 -> h--; release(heap_lock[h])
    od;
    release(birth_lock);
    finished++
}

proctype exiting() {
    byte got;
    abandon(0, got);
    finished++
}

/* Takes a slow path, which may reclaim abandoned heaps with its own heap's lock held; then exits. */
proctype adopting(byte me) {
    byte mine, h, got;
    bool taken;
    borrow(mine, me);
    atomic { assert(!caching[mine]); caching[mine] = true }; /* pop, push */
    caching[mine] = false;
    acquire(heap_lock[mine]);
    collect(mine, got);
    visit(h, got);
    release(heap_lock[mine]);
    abandon(mine, got);
    finished++
}

proctype freeing_late() {
    announced[0]++;
    announced[0]++;
    finished++
}

/* When all is over, whoever comes next finds everything. */
proctype last() {
    byte got, h;
    finished == 5;
    h = 0;
    do
    :: h == HEAPS -> break
    :: h < heap_count -> assert(listed[h] && owner_of[h] == NONE); collect(h, got);
                         assert(live[h] == 0); h++
    :: h >= heap_count && h < HEAPS -> assert(!listed[h]); h++
    od
}

init {
    atomic {
        owner_of[0] = 1;
        live[0] = 2 + 1;
        cached[0] = 1;
        run exiting();
        run adopting(2);
        run adopting(3);
        run forking();
        run freeing_late();
        run last()
    }
}
