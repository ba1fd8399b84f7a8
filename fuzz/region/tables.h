/* SPDX-License-Identifier: MIT */
/**
 * @file tables.h
 * The memory of the map's tables. The map is made to be initialised once in a
 * process and never gives a table back; here each input starts it anew, so the
 * tables' memory comes from places that are cleared and used again.
 */
#ifndef HAK_FUZZ_REGION_TABLES_H
#define HAK_FUZZ_REGION_TABLES_H

#include <stddef.h>
#include <stdint.h>

/** Memory for a table, in place of hak_os_reserve_sparse(). */
void *region_reserve_sparse(size_t size_bytes);

/** These leaves may be in the root from now on: what region_tables_reset() clears. */
void region_tables_rooted(uint64_t first_leaf, uint64_t last_leaf);

/** Forgets the tables of two-level mode. Nothing may be registered: the flat tables and
 *  the leaves must be all zero, because who used them undid what it did. */
void region_tables_reset(void);

#endif
