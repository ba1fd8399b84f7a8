/* SPDX-License-Identifier: MIT */
/**
 * @file plugin.cpp
 * A library with thread-local objects whose destructors verify and free blocks,
 * and allocate once more while they do. Built in several copies.
 */
#include "plugin.h"

#include "../common/pattern.h"

#include "../common/allocator.h"

namespace {

constexpr unsigned block_count = 8;

class Holder {
  public:
    void use(uint64_t seed, stress_plugin_fail_function *fail) {
        fail_ = fail;
        for (unsigned i = 0; i < block_count; i++) {
            replace(blocks_[i], stress_block_bytes(seed, i), seed + i);
        }
    }

    ~Holder() {
        void *during = malloc(100);
        for (Block &block : blocks_) {
            release(block);
        }
        free(during);
    }

  private:
    struct Block {
        void *memory = nullptr;
        size_t size_bytes = 0;
        uint64_t id = 0;
    };

    static size_t stress_block_bytes(uint64_t seed, unsigned i) {
        return 1 + (size_t)((seed >> (i * 7)) % 3000);
    }

    void replace(Block &block, size_t size_bytes, uint64_t id) {
        release(block);
        block = Block{malloc(size_bytes), size_bytes, id};
        if (block.memory == nullptr) {
            fail_("malloc gave NULL");
        }
        stress_pattern_fill(block.memory, size_bytes, id);
    }

    void release(Block &block) {
        if (block.memory == nullptr) {
            return;
        }
        if (stress_pattern_find_difference(block.memory, block.size_bytes, block.id) !=
            STRESS_SAME) {
            fail_("a block of a thread-local object was changed");
        }
        free(block.memory);
        block.memory = nullptr;
    }

    Block blocks_[block_count];
    stress_plugin_fail_function *fail_ = nullptr;
};

thread_local Holder holder;

} // namespace

void stress_plugin_use(uint64_t seed, stress_plugin_fail_function *fail) {
    holder.use(seed, fail);
}
