/* SPDX-License-Identifier: MIT */
/* Choices to bytes to base64url and back. The bytes end with a checksum, so a token that was cut
 * or mistyped is refused instead of replaying something else. */
#include "token.h"
#include "../engine/registry.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "h1"
#define BYTES_MAX (1u << 20)

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct bytes {
    uint8_t *at;
    size_t count, capacity, read;
    bool bad;
};

/* ---- bytes ---- */

static void put(struct bytes *bytes, uint8_t byte) {
    if (bytes->count == bytes->capacity) {
        bytes->capacity = bytes->capacity * 2 + 64;
        bytes->at = realloc(bytes->at, bytes->capacity);
        if (bytes->at == NULL)
            abort();
    }
    bytes->at[bytes->count++] = byte;
}

static void put_number(struct bytes *bytes, uint64_t number) {
    for (; number >= 0x80; number >>= 7)
        put(bytes, (uint8_t)(number | 0x80));
    put(bytes, (uint8_t)number);
}

static uint8_t get(struct bytes *bytes) {
    if (bytes->read < bytes->count)
        return bytes->at[bytes->read++];
    bytes->bad = true;
    return 0;
}

static uint64_t get_number(struct bytes *bytes) {
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = get(bytes);
        number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return number;
    }
    bytes->bad = true;
    return 0;
}

/* ---- base64url, without padding ---- */

static char *to_text(const struct bytes *bytes) {
    char *text = malloc(bytes->count * 4 / 3 + 5), *to = text;
    if (text == NULL)
        abort();
    uint32_t held = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < bytes->count; i++) {
        held = held << 8 | bytes->at[i];
        for (bits += 8; bits >= 6; bits -= 6)
            *to++ = digits[held >> (bits - 6) & 63];
    }
    if (bits != 0)
        *to++ = digits[held << (6 - bits) & 63];
    *to = '\0';
    return text;
}

static bool from_text(const char *text, struct bytes *bytes) {
    uint32_t held = 0;
    unsigned bits = 0;
    for (; *text != '\0'; text++) {
        const char *digit = strchr(digits, *text);
        if (digit == NULL || bytes->count > BYTES_MAX)
            return false;
        held = held << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            put(bytes, (uint8_t)(held >> bits));
        }
    }
    return (held & ((1u << bits) - 1)) == 0; /* one text for one schedule */
}

/* ---- choices ---- */

static uint16_t checksum(const struct bytes *bytes, size_t count) {
    return (uint16_t)hunt_hash(bytes->at, count, 1);
}

static void put_programs(struct bytes *bytes, const struct hunt_choices *choices) {
    for (unsigned body = 0; body < HUNT_BODIES_MAX; body++) {
        put(bytes, choices->op_count[body]);
        for (unsigned i = 0; i < choices->op_count[body]; i++)
            put_number(bytes, choices->ops[body][i]);
    }
}

static void get_programs(struct bytes *bytes, struct hunt_choices *choices) {
    for (unsigned body = 0; body < HUNT_BODIES_MAX; body++) {
        choices->op_count[body] = get(bytes);
        bytes->bad |= choices->op_count[body] > HUNT_OPS_MAX;
        for (unsigned i = 0; !bytes->bad && i < choices->op_count[body]; i++)
            choices->ops[body][i] = (uint32_t)get_number(bytes);
    }
}

char *hunt_choices_encode(const struct hunt_choices *choices) {
    struct bytes bytes = {0};
    put(&bytes, (uint8_t)(choices->options << 1 | (choices->explicit_ops ? 1 : 0)));
    put(&bytes, choices->thread_mask);
    put_number(&bytes, choices->seed);
    if (choices->explicit_ops)
        put_programs(&bytes, choices);
    put_number(&bytes, choices->deviation_count);
    uint32_t last = 0;
    for (uint32_t i = 0; i < choices->deviation_count; i++) {
        const struct hunt_deviation *deviation = &choices->deviations[i];
        put_number(&bytes, (uint64_t)(deviation->index - last) << 2 | deviation->kind);
        put(&bytes, deviation->value);
        last = deviation->index;
    }
    uint16_t sum = checksum(&bytes, bytes.count);
    put(&bytes, (uint8_t)sum);
    put(&bytes, (uint8_t)(sum >> 8));
    char *text = to_text(&bytes);
    free(bytes.at);
    return text;
}

static void get_choices(struct bytes *bytes, struct hunt_choices *choices) {
    uint8_t flags = get(bytes);
    choices->explicit_ops = (flags & 1) != 0;
    choices->options = flags >> 1;
    choices->thread_mask = get(bytes);
    choices->seed = get_number(bytes);
    if (choices->explicit_ops)
        get_programs(bytes, choices);
    uint64_t count = get_number(bytes);
    bytes->bad |= count > HUNT_DECISIONS_MAX;
    if (bytes->bad)
        return;
    choices->deviations = calloc(count + 1, sizeof *choices->deviations);
    if (choices->deviations == NULL)
        abort();
    choices->deviation_count = (uint32_t)count;
    uint32_t index = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = get_number(bytes);
        index += (uint32_t)(number >> 2);
        choices->deviations[i] = (struct hunt_deviation){index, (uint8_t)(number & 3), get(bytes)};
    }
}

bool hunt_choices_decode(const char *text, struct hunt_choices *choices) {
    struct bytes bytes = {0};
    memset(choices, 0, sizeof *choices);
    bool good = from_text(text, &bytes) && bytes.count > 2;
    if (good) {
        bytes.count -= 2;
        unsigned sum = bytes.at[bytes.count] | (unsigned)bytes.at[bytes.count + 1] << 8;
        good = sum == checksum(&bytes, bytes.count);
    }
    if (good) {
        get_choices(&bytes, choices);
        good = !bytes.bad && bytes.read == bytes.count;
    }
    if (!good) {
        free(choices->deviations);
        choices->deviations = NULL;
    }
    free(bytes.at);
    return good;
}

/* ---- tokens ---- */

static int note_build_id(struct dl_phdr_info *info, size_t size, void *argument) {
    (void)size;
    char *id = argument;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t at = info->dlpi_addr + header->p_vaddr, end = at + header->p_memsz;
        while (header->p_type == PT_NOTE && at + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
            const uint8_t *bytes =
                (const uint8_t *)(at + sizeof *note + ((note->n_namesz + 3u) & ~3u));
            if (note->n_type == NT_GNU_BUILD_ID && note->n_descsz >= 4)
                snprintf(id, 9, "%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
            at = (uintptr_t)bytes + ((note->n_descsz + 3u) & ~3u);
        }
    }
    return 1; /* the program only */
}

const char *hunt_build_id(void) {
    static HUNT_STATE char id[9] = "";
    if (id[0] == '\0') {
        strcpy(id, "00000000");
        dl_iterate_phdr(note_build_id, id);
    }
    return id;
}

char *hunt_token_make(const struct hunt_scenario *scenario, const struct hunt_choices *choices) {
    char *text = hunt_choices_encode(choices), *token = NULL;
    if (asprintf(&token, PREFIX ".%s.%s.%s", scenario->name, hunt_build_id(), text) < 0)
        abort();
    free(text);
    return token;
}

static bool read_parts(char *parts[4], const struct hunt_scenario **scenario,
                       struct hunt_choices *choices, char *why, size_t why_bytes) {
    *scenario = hunt_scenario_find(parts[1]);
    if (*scenario == NULL)
        snprintf(why, why_bytes, "the token's scenario '%.64s' is not in this program: see --list",
                 parts[1]);
    else if (strcmp(parts[2], hunt_build_id()) != 0)
        snprintf(why, why_bytes,
                 "the token is of build %.16s and this is build %s: replay it with the program "
                 "that printed it, "
                 "or hunt again",
                 parts[2], hunt_build_id());
    else if (!hunt_choices_decode(parts[3], choices))
        snprintf(why, why_bytes, "the token is damaged (its checksum is wrong): copy it whole");
    else
        return true;
    return false;
}

bool hunt_token_read(const char *token, const struct hunt_scenario **scenario,
                     struct hunt_choices *choices, char *why, size_t why_bytes) {
    char *copy = strdup(token), *rest = copy, *parts[4] = {0};
    unsigned count = 0;
    for (char *part; count < 4 && (part = strsep(&rest, ".")) != NULL; count++)
        parts[count] = part;
    bool good = count == 4 && rest == NULL && strcmp(parts[0], PREFIX) == 0;
    if (good)
        good = read_parts(parts, scenario, choices, why, why_bytes);
    else
        snprintf(why, why_bytes,
                 "'%.40s' is not a token: one looks like " PREFIX ".SCENARIO.BUILD.CHOICES", token);
    free(copy);
    return good;
}
