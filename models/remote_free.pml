/* SPDX-License-Identifier: MIT */
/*
 * Remote frees: bitmap, count, pending stack, release of a slab (src/superslab/slab.h, S1 and S2;
 * src/superslab/chain_give.c, P1 and P2). Sequentially consistent: memory orders are the hunter's.
 *
 * Two slabs; two threads free five blocks between them; the owner may hand one collected block out
 * again, which a third thread frees. Each line between two semicolons is one step, as in the code:
 * an atomic operation, or plain steps that nobody else can see.
 *
 * Proven for every interleaving:
 *   - nobody touches a slab after it was released;
 *   - a slab is on the pending stack at most once, and is popped with a count above 0;
 *   - when live_count is 0 every block is in `local`, and nothing is announced or on its way;
 *   - no block is in two places;
 *   - every slab is released in the end (the owner waits for what is never pushed: a deadlock).
 *
 * MUTANT 1: the count is announced before the bits are set.
 * MUTANT 2: the slab is pushed whatever the count was.
 * MUTANT 3: live_count is lowered by the bits found, not by the count taken.
 * MUTANT 4: the owner reads the next slab of the stack after it has collected this one.
 * MUTANT 5: the owner takes the bits before the count.
 */
#ifndef MUTANT
#define MUTANT 0
#endif

#define SLABS 2
#define NIL 255

byte head = NIL;       /* the pending stack */
byte next[SLABS];
byte remote[SLABS];    /* a bit a block */
byte count[SLABS];     /* remote_count */

byte free_bits[SLABS];     /* the owner's */
byte live[SLABS];
bool released[SLABS];
byte released_count;

byte all[SLABS];       /* ghosts: not in the code */
bool stacked[SLABS];

chan handed_out = [1] of { byte, byte };

#define touch(s) assert(!released[s])

inline set_bit(s, bits) {
    atomic {
        touch(s);
        assert((remote[s] & bits) == 0);
        remote[s] = remote[s] | bits
    }
}

/* pending_next is written while nobody else looks at it; then a compare-exchange. */
inline push(s, old) {
    old = head;
    do
    :: touch(s);
       next[s] = old;
       atomic {
           if
           :: head == old ->
              touch(s);
              assert(!stacked[s]);
              stacked[s] = true;
              head = s;
              break
           :: else -> old = head
           fi
       }
    od
}

inline announce(s, n, before, old) {
    atomic { touch(s); before = count[s]; count[s] = count[s] + n };
    if
    :: before == 0 || MUTANT == 2 -> push(s, old)
    :: else -> skip
    fi
}

inline free_one(s, bits, before, old) {
    if
    :: MUTANT == 1 -> announce(s, 1, before, old); set_bit(s, bits)
    :: else -> set_bit(s, bits); announce(s, 1, before, old)
    fi
}

/* Blocks 0 and 1 of slab 0 and block 0 of slab 1: one flush, the counts after all bits. */
proctype flusher() {
    byte before, old;
    if
    :: MUTANT == 1 -> announce(0, 2, before, old); announce(1, 1, before, old); set_bit(0, 3);
                      set_bit(1, 1)
    :: else -> set_bit(0, 3); set_bit(1, 1); announce(0, 2, before, old); announce(1, 1, before, old)
    fi
}

/* The last block of each slab, one by one. */
proctype freer() {
    byte before, old;
    free_one(0, 4, before, old);
    free_one(1, 2, before, old)
}

/* Frees what the owner hands out again. */
proctype user() {
    byte slab, bits, before, old;
end:
    handed_out ? slab, bits;
    free_one(slab, bits, before, old)
}

inline take_count(s) {
    atomic { got = count[s]; count[s] = 0; assert(got > 0) }
}

inline take_bits(s) {
    atomic {
        bits = remote[s];
        remote[s] = 0;
        assert((free_bits[s] & bits) == 0);
        free_bits[s] = free_bits[s] | bits
    }
}

inline lower_live(s) {
    if
    :: MUTANT == 3 ->
       live[s] = live[s] - (bits & 1) - ((bits >> 1) & 1) - ((bits >> 2) & 1)
    :: else ->
       assert(got <= live[s]);
       live[s] = live[s] - got
    fi
}

/* Once, if it likes, the owner hands the first block of the slab out again. */
inline hand_out_again(s) {
    if
    :: !handed && (free_bits[s] & 1) ->
       handed = true;
       free_bits[s] = free_bits[s] & 254;
       live[s] = live[s] + 1;
       handed_out ! s, 1
    :: true
    fi
}

inline release_if_empty(s) {
    if
    :: live[s] == 0 ->
       assert(free_bits[s] == all[s] && remote[s] == 0 && count[s] == 0);
       assert(!stacked[s]);
       released[s] = true;
       released_count++
    :: else -> skip
    fi
}

inline collect(s) {
    if
    :: MUTANT == 5 -> take_bits(s); take_count(s)
    :: else -> take_count(s); take_bits(s)
    fi;
    lower_live(s);
    hand_out_again(s);
    release_if_empty(s)
}

proctype owner() {
    byte slab, following, got, bits;
    bool handed = false;
    do
    :: released_count == SLABS -> break
    :: released_count < SLABS && head != NIL ->
       d_step {
           slab = head;
           head = NIL;
           following = slab;
           do
           :: following != NIL && stacked[following] ->
              stacked[following] = false;
              following = next[following]
           :: else -> break
           od
       };
       do
       :: slab == NIL -> break
       :: else ->
          following = next[slab];
          collect(slab);
          if
          :: MUTANT == 4 -> slab = next[slab]
          :: else -> slab = following
          fi
       od
    od
}

init {
    atomic {
        all[0] = 7; live[0] = 3;
        all[1] = 3; live[1] = 2;
        next[0] = NIL; next[1] = NIL;
        run owner();
        run flusher();
        run freer();
        run user()
    }
}
