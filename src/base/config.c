/* SPDX-License-Identifier: MIT */
/* Settings from the environment: see config.h. Layer 0. */
#include "base/config.h"

#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/check.h"
#include "base/panic.h"
#include "base/start_stderr.h"

#ifndef HAK_PREWARM_TLS_DEFAULT
#define HAK_PREWARM_TLS_DEFAULT 0
#endif

/* High enough not to be taken for one of the program's. */
enum { STATS_FD_FIRST = 200 };

struct hak_config hak_config = {
    .adaptive_sizing = true,
    .adaptive_log = HAK_CHECK_LEVEL >= 1,
    .prewarm_tls = HAK_PREWARM_TLS_DEFAULT,
    .stats_at_exit = false,
    .stats_fd = -1,
    .fixed_capacity = 64,
};

/* Not getenv: a program may interpose it, and it may be called before libc's
 * own is ready. */
static const char *find(const char *name) {
    size_t length = strlen(name);
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') {
            return *entry + length + 1;
        }
    }
    return NULL;
}

static void read_switch(const char *name, bool *value) {
    const char *text = find(name);
    if (text == NULL) {
        return;
    }
    if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0) {
        hak_bad_setting(name, text, "0 or 1");
    }
    *value = text[0] == '1';
}

static void read_capacity(const char *name, uint32_t *value) {
    const char *text = find(name);
    uint32_t number = 0;
    if (text == NULL) {
        return;
    }
    for (const char *s = text; *s >= '0' && *s <= '9' && number <= 2048; s++) {
        number = number * 10 + (uint32_t)(*s - '0');
    }
    if (text[strspn(text, "0123456789")] != '\0' || number < 16 || number > 2048 ||
        !hak_is_power_of_two(number)) {
        hak_bad_setting(name, text, "a power of two from 16 to 2048");
    }
    *value = number;
}

void hak_config_read(void) {
    read_switch("HAKMEM_ADAPTIVE_SIZING", &hak_config.adaptive_sizing);
    read_switch("HAKMEM_ADAPTIVE_LOG", &hak_config.adaptive_log);
    read_switch("HAKMEM_ADAPTIVE_REUSE", &hak_config.adaptive_reuse);
    read_switch("HAKMEM_PREWARM_TLS", &hak_config.prewarm_tls);
    read_switch("HAKMEM_STATS", &hak_config.stats_at_exit);
    if (hak_config.stats_at_exit && hak_config.stats_fd < 0) {
        hak_config.stats_fd = hak_start_stderr_copy(STATS_FD_FIRST);
    }
    read_capacity("HAKMEM_TLS_CAPACITY", &hak_config.fixed_capacity);
}
