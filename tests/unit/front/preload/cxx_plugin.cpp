// SPDX-License-Identifier: MIT
// A C++ library for a C program to load at run time: its C++ library comes with
// it, long after the allocator was loaded. Each function returns 0, or the number
// of what was not so.
#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>

namespace {

constexpr std::size_t IMPOSSIBLE_BYTES = static_cast<std::size_t>(PTRDIFF_MAX) - 4096;
constexpr std::size_t MORE_BYTES = 64 << 20;

int calls;

void give_up_after_three() {
    if (++calls == 3) {
        std::set_new_handler(nullptr);
    }
}

void throw_at_once() {
    calls++;
    throw std::bad_alloc();
}

bool throws_bad_alloc(std::size_t size_bytes) {
    try {
        ::operator delete(::operator new(size_bytes));
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

std::size_t address_space_bytes() {
    unsigned long pages = 0;
    std::FILE *file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%lu", &pages) != 1) {
        return 0;
    }
    std::fclose(file);
    return pages * 4096;
}

bool limit_address_space() {
    rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = address_space_bytes() + MORE_BYTES;
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

// Blocks of the smallest size that can be linked, until there is no memory.
bool throws_when_memory_ends() {
    void **newest = nullptr;
    bool thrown = false;
    try {
        for (;;) {
            void **block = static_cast<void **>(::operator new(sizeof(void *)));
            *block = newest;
            newest = block;
        }
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    while (newest != nullptr) {
        void **next = static_cast<void **>(*newest);
        ::operator delete(newest);
        newest = next;
    }
    return thrown;
}

} // namespace

extern "C" int cxx_plugin_run() {
    if (!throws_bad_alloc(IMPOSSIBLE_BYTES)) {
        return 1;
    }
    std::set_new_handler(give_up_after_three);
    if (!throws_bad_alloc(IMPOSSIBLE_BYTES) || calls != 3) {
        return 2;
    }
    std::set_new_handler(throw_at_once);
    try {
        if (::operator new(IMPOSSIBLE_BYTES, std::nothrow) != nullptr || calls != 4) {
            return 3;
        }
        std::align_val_t alignment{256};
        if (::operator new[](IMPOSSIBLE_BYTES, alignment, std::nothrow) != nullptr || calls != 5) {
            return 4;
        }
        void *block = ::operator new(1000, alignment, std::nothrow);
        if (block == nullptr || reinterpret_cast<std::uintptr_t>(block) % 256 != 0) {
            return 5;
        }
        ::operator delete(block, alignment);
    } catch (const std::bad_alloc &) {
        return 6;
    }
    std::set_new_handler(nullptr);
    return limit_address_space() && throws_when_memory_ends() ? 0 : 7;
}
