/* SPDX-License-Identifier: MIT */
/* Start-up: what must be there before the first heap. Layer 5. */
#ifndef HAK_HEAP_START_H
#define HAK_HEAP_START_H

/* Makes the region map, reads the settings and creates the thread-exit hook,
 * once; any number of threads may arrive first. Does not allocate. */
void hak_heap_start(void);

#endif
