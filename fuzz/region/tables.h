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

/** Memory for a table, in place of hak_os_reserve_sparse(). */
void *region_reserve_sparse(size_t size_bytes);

/** Forgets the tables of two-level mode. The flat tables must be all zero: who
 *  used them undoes what it did. */
void region_tables_reset(void);

#endif
