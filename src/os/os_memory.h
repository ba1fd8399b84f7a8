/* SPDX-License-Identifier: MIT */
/* Memory from the operating system: the contract. Layer 1.
 *
 * The only way to memory for the whole allocator; tests replace these functions
 * at link time (-Wl,--wrap) to make any of them fail. One implementation,
 * os_linux.c, and nothing here but what every layer above may rely on:
 *
 * - sizes and addresses are multiples of HAK_OS_PAGE_SIZE_BYTES; the kernel's own
 *   pages may be larger (aarch64 has kernels with 16 and 64 KiB);
 * - new memory reads as zero and becomes resident when it is first touched;
 * - functions that can fail return NULL or false and change nothing; errno is
 *   left as it was;
 * - thread safe; none allocates. */
#ifndef HAK_OS_MEMORY_H
#define HAK_OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The kernel's page: a power of two, HAK_OS_PAGE_SIZE_BYTES or more. */
size_t hak_os_page_size_bytes(void);

/* Address space of `size_bytes`, aligned to `alignment_bytes` (a power of two of
 * at least HAK_OS_PAGE_SIZE_BYTES; more than that for multiples of a granule only),
 * readable and writable. NULL when there is none. */
void *hak_os_reserve(size_t size_bytes, size_t alignment_bytes);

/* Address space that will hardly be touched, which becomes resident by the kernel's pages
 * and not by huge ones, and must not count against the system's commit limit (where it
 * counts nevertheless is strict overcommit, vm.overcommit_memory=2): large tables. NULL when
 * there is none. */
void *hak_os_reserve_sparse(size_t size_bytes);

/* As sparse memory, a range of a reservation becomes resident by the kernel's pages only.
 * Elsewhere, where the system says so for all (transparent_hugepage/enabled is `always`), a
 * byte that is touched may make 2 MiB resident. Advice: nothing depends on it. */
void hak_os_use_small_pages(void *address, size_t size_bytes);

/* How much address space this process may have (ulimit -v, or -d, which counts private
 * memory); SIZE_MAX without a limit. As it is now: a program may change it. */
size_t hak_os_space_limit_bytes(void);

/* Gives back the physical memory of the kernel's pages that lie in the range
 * altogether, where the program has not locked it; the range stays ours and reads
 * as zero in any case, and what is beside it stays as it is. */
void hak_os_purge(void *address, size_t size_bytes);

/* Gives the address space back. Where the kernel refuses, at its limit of areas
 * (vm.max_map_count), the physical memory alone, unless it is locked, and nobody uses the
 * addresses again. */
void hak_os_release(void *address, size_t size_bytes);

/* Grows or shrinks a reservation in place, or its last part from `address` on; false
 * when what follows it is in use. */
bool hak_os_resize(void *address, size_t old_size_bytes, size_t new_size_bytes);

/* Moves a whole reservation's memory onto another, of `new_size_bytes` at
 * `target`, whose own memory is lost; the old address space is given back.
 * False when the OS cannot: then the old one is as it was, and `target` is not the
 * caller's any more, because some kernels have unmapped it by then. It is given back where
 * that is known not to be so: all refusals but those for want of memory or areas. */
bool hak_os_move(void *address, size_t old_size_bytes, void *target, size_t new_size_bytes);

/* Moves the memory of a range to the start of another, 2 MiB at a time; both start on a
 * multiple of that. What the target had there is lost, up to the next multiple or its end;
 * the range's address space is given back. Returns how many bytes it moved: all of them,
 * or fewer when the kernel refuses (its limit on areas; a range whose protection or advice
 * the program has changed in part), and then the rest is as it was in both places.
 *
 * Each 2 MiB of a reservation that memory was moved to may be another of the kernel's
 * areas. hak_os_move cannot move it then: move it by this function, too. */
size_t hak_os_graft(void *address, size_t size_bytes, void *target, size_t target_size_bytes);

/* False on kernels before 5.2: when these refuse, the target may have a hole (Linux commit
 * ea2c3f6f5545, "mm,mremap: bail out earlier in mremap_to under map pressure"). */
bool hak_os_can_graft(void);

/* Address space held through hak_os_reserve(). */
size_t hak_os_reserved_bytes(void);

#endif
