/* SPDX-License-Identifier: MIT */
/* The chain's lists, for chain*.c only. Layer 3. */
#ifndef HAK_SUPERSLAB_CHAIN_LISTS_H
#define HAK_SUPERSLAB_CHAIN_LISTS_H

#include "base/check.h"
#include "superslab/chain.h"

/* Newest first: a slab that just got a block back is nearly full, and filling
 * the fullest first lets the others run empty. */
static inline void hak_chain_list_slab(struct hak_chain *chain, struct hak_slab *slab) {
    struct hak_slab **head = &chain->listed[slab->kind - HAK_KIND_CLASS_FIRST];
    hak_assert(!slab->is_listed, SLAB_LISTED, slab->is_listed, (uintptr_t)slab);
    slab->prev = NULL;
    slab->next = *head;
    if (*head != NULL) {
        (*head)->prev = slab;
    }
    *head = slab;
    slab->is_listed = true;
}

static inline void hak_chain_unlist_slab(struct hak_chain *chain, struct hak_slab *slab) {
    hak_assert(slab->is_listed, SLAB_LISTED, slab->is_listed, (uintptr_t)slab);
    if (slab->prev != NULL) {
        slab->prev->next = slab->next;
    } else {
        chain->listed[slab->kind - HAK_KIND_CLASS_FIRST] = slab->next;
    }
    if (slab->next != NULL) {
        slab->next->prev = slab->prev;
    }
    slab->next = slab->prev = NULL;
    slab->is_listed = false;
}

static inline void hak_chain_link_room(struct hak_chain *chain, struct hak_superslab *superslab) {
    hak_assert(!superslab->in_room_list, SS_ROOM, superslab->in_room_list, superslab->bitmap);
    superslab->room_prev = NULL;
    superslab->room_next = chain->room;
    if (chain->room != NULL) {
        chain->room->room_prev = superslab;
    }
    chain->room = superslab;
    superslab->in_room_list = true;
}

static inline void hak_chain_unlink_room(struct hak_chain *chain, struct hak_superslab *superslab) {
    hak_assert(superslab->in_room_list, SS_ROOM, superslab->in_room_list, superslab->bitmap);
    if (superslab->room_prev != NULL) {
        superslab->room_prev->room_next = superslab->room_next;
    } else {
        chain->room = superslab->room_next;
    }
    if (superslab->room_next != NULL) {
        superslab->room_next->room_prev = superslab->room_prev;
    }
    superslab->room_next = superslab->room_prev = NULL;
    superslab->in_room_list = false;
}

/* Takes a SuperSlab out of all lists. chain.c */
void hak_chain_unlink_superslab(struct hak_chain *chain, struct hak_superslab *superslab);

/* Releases an empty slab's granules; a SuperSlab that becomes empty goes to the
 * pool, unless it is the last one with room. chain_purge.c */
void hak_chain_release_slab(struct hak_chain *chain, struct hak_slab *slab);

/* After blocks came back to a slab: lists it, or releases it when it is empty
 * and its class has another. chain_purge.c */
void hak_chain_note_given(struct hak_chain *chain, struct hak_slab *slab);

#endif
