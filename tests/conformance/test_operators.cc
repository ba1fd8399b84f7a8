// SPDX-License-Identifier: MIT
// operator new and delete in all their forms, as the C++17 standard says
// ([new.delete]): sized, aligned, nothrow, array; the new-handler; bad_alloc.
// Linked with the drop-in library, and with libstdc++'s own on glibc, which
// validates the demands.
#include <cstdint>
#include <cstring>
#include <new>

#include "family.h"
#include "support.h"

namespace {

// The compiler may leave out a new-expression whose block it sees die; the
// calls below are to the functions themselves, which it may not.
constexpr std::size_t IMPOSSIBLE_BYTES = static_cast<std::size_t>(PTRDIFF_MAX) - 4096;

int handler_calls;

void count_three_then_remove() {
    if (++handler_calls == 3) {
        std::set_new_handler(nullptr);
    }
}

struct handler_gave_up : std::bad_alloc {};

void throw_at_once() {
    handler_calls++;
    throw handler_gave_up();
}

std::align_val_t aligned_to(std::size_t alignment_bytes) {
    return static_cast<std::align_val_t>(alignment_bytes);
}

void use(void *block, std::size_t size_bytes) {
    require_block(block, size_bytes, "operator new");
    fill_block(block, size_bytes, size_bytes);
    require_contents(block, size_bytes, size_bytes, "operator new");
}

} // namespace

CASE(operators, plain_and_array) {
    for (std::size_t i = 0; i < boundary_size_count; i++) {
        std::size_t size_bytes = boundary_sizes[i];
        void *one = ::operator new(size_bytes);
        void *many = ::operator new[](size_bytes);
        use(one, size_bytes);
        use(many, size_bytes);
        ::operator delete(one);
        ::operator delete[](many);
    }
}

CASE(operators, sized_delete) {
    for (std::size_t i = 0; i < boundary_size_count; i++) {
        std::size_t size_bytes = boundary_sizes[i];
        void *one = ::operator new(size_bytes);
        void *many = ::operator new[](size_bytes);
        use(one, size_bytes);
        use(many, size_bytes);
        ::operator delete(one, size_bytes);
        ::operator delete[](many, size_bytes);
    }
}

CASE(operators, nothrow) {
    for (std::size_t i = 0; i < boundary_size_count; i++) {
        std::size_t size_bytes = boundary_sizes[i];
        void *one = ::operator new(size_bytes, std::nothrow);
        void *many = ::operator new[](size_bytes, std::nothrow);
        use(one, size_bytes);
        use(many, size_bytes);
        ::operator delete(one, std::nothrow);
        ::operator delete[](many, std::nothrow);
    }
}

CASE(operators, aligned_in_every_form) {
    for (std::size_t alignment_bytes = 16; alignment_bytes <= MIB; alignment_bytes *= 2) {
        std::align_val_t alignment = aligned_to(alignment_bytes);
        for (std::size_t i = 0; i < boundary_size_count; i += 2) {
            std::size_t size_bytes = boundary_sizes[i];
            void *blocks[] = {
                ::operator new(size_bytes, alignment),
                ::operator new[](size_bytes, alignment),
                ::operator new(size_bytes, alignment, std::nothrow),
                ::operator new[](size_bytes, alignment, std::nothrow),
                ::operator new(size_bytes, alignment),
                ::operator new[](size_bytes, alignment),
            };
            for (void *block : blocks) {
                require_aligned(block, alignment_bytes, size_bytes);
                std::memset(block, 0x11, size_bytes);
            }
            ::operator delete(blocks[0], alignment);
            ::operator delete[](blocks[1], alignment);
            ::operator delete(blocks[2], alignment, std::nothrow);
            ::operator delete[](blocks[3], alignment, std::nothrow);
            ::operator delete(blocks[4], size_bytes, alignment);
            ::operator delete[](blocks[5], size_bytes, alignment);
        }
    }
}

CASE(operators, zero_size_gives_blocks_of_their_own) {
    void *first = ::operator new(0);
    void *second = ::operator new(0);
    void *third = ::operator new[](0);
    void *fourth = ::operator new(0, aligned_to(256));
    REQUIRE(first && second && third && fourth, "operator new(0) gave a null pointer");
    REQUIRE(first != second && second != third && third != fourth, "one block given twice");
    require_aligned(fourth, 256, 0);
    ::operator delete(first);
    ::operator delete(second);
    ::operator delete[](third);
    ::operator delete(fourth, aligned_to(256));
}

CASE(operators, deleting_a_null_pointer_does_nothing) {
    void *volatile hidden = nullptr;
    errno = EDOM;
    ::operator delete(hidden);
    ::operator delete[](hidden);
    ::operator delete (hidden, std::size_t{8});
    ::operator delete[](hidden, std::size_t{8});
    ::operator delete(hidden, std::nothrow);
    ::operator delete[](hidden, std::nothrow);
    ::operator delete(hidden, aligned_to(64));
    ::operator delete[](hidden, aligned_to(64));
    ::operator delete (hidden, std::size_t{8}, aligned_to(64));
    ::operator delete[](hidden, std::size_t{8}, aligned_to(64));
    ::operator delete(hidden, aligned_to(64), std::nothrow);
    ::operator delete[](hidden, aligned_to(64), std::nothrow);
    REQUIRE(errno == EDOM, "deleting null pointers set errno to %d", errno);
}

CASE(operators, impossible_sizes_throw_bad_alloc) {
    std::size_t size_bytes = opaque_size(IMPOSSIBLE_BYTES);
    int thrown = 0;
    for (int form = 0; form < 4; form++) {
        try {
            void *block = form == 0   ? ::operator new(size_bytes)
                          : form == 1 ? ::operator new[](size_bytes)
                          : form == 2 ? ::operator new(size_bytes, aligned_to(128))
                                      : ::operator new[](size_bytes, aligned_to(128));
            REQUIRE(false, "form %d of an impossible size gave %p", form, block);
        } catch (const std::bad_alloc &) {
            thrown++;
        }
    }
    REQUIRE(thrown == 4, "%d of 4 forms threw", thrown);
}

CASE(operators, impossible_sizes_give_null_from_nothrow) {
    for (std::size_t i = 0; i < impossible_size_count; i++) {
        std::size_t size_bytes = opaque_size(impossible_sizes[i]);
        REQUIRE(::operator new(size_bytes, std::nothrow) == nullptr, "new of %zu", size_bytes);
        REQUIRE(::operator new[](size_bytes, std::nothrow) == nullptr, "new[] of %zu", size_bytes);
        if (family_is_glibc && size_bytes > SIZE_MAX - 64) {
            continue; // difference 4 of family.h
        }
        REQUIRE(::operator new(size_bytes, aligned_to(64), std::nothrow) == nullptr,
                "aligned new of %zu", size_bytes);
        REQUIRE(::operator new[](size_bytes, aligned_to(64), std::nothrow) == nullptr,
                "aligned new[] of %zu", size_bytes);
    }
}

// 2^48 and above: more than the address space, up to the last power of two.
CASE(operators, impossible_alignments_throw_bad_alloc) {
    int thrown = 0;
    for (int shift = 48; shift < 64; shift++) {
        std::align_val_t alignment = aligned_to(opaque_size(std::size_t{1} << shift));
        for (int form = 0; form < 2; form++) {
            try {
                void *block =
                    form == 0 ? ::operator new(64, alignment) : ::operator new[](64, alignment);
                REQUIRE(false, "form %d aligned to 2^%d gave %p", form, shift, block);
            } catch (const std::bad_alloc &) {
                thrown++;
            }
        }
        REQUIRE(::operator new(64, alignment, std::nothrow) == nullptr, "2^%d", shift);
        REQUIRE(::operator new[](64, alignment, std::nothrow) == nullptr, "2^%d", shift);
    }
    REQUIRE(thrown == 32, "%d of 32 throwing forms threw", thrown);
}

// "... the function is called repeatedly until it succeeds, throws, or there
// is no handler any more".
CASE(operators, new_handler_runs_until_it_is_removed) {
    std::size_t size_bytes = opaque_size(IMPOSSIBLE_BYTES);
    for (int form = 0; form < 4; form++) {
        handler_calls = 0;
        std::set_new_handler(count_three_then_remove);
        bool threw = false;
        try {
            void *block = form == 0   ? ::operator new(size_bytes)
                          : form == 1 ? ::operator new[](size_bytes)
                          : form == 2 ? ::operator new(size_bytes, aligned_to(64))
                                      : ::operator new[](size_bytes, aligned_to(64));
            REQUIRE(false, "form %d of an impossible size gave %p", form, block);
        } catch (const std::bad_alloc &) {
            threw = true;
        }
        REQUIRE(threw, "form %d threw no bad_alloc", form);
        REQUIRE(handler_calls == 3, "form %d called the new-handler %d times, not 3", form,
                handler_calls);
    }
}

CASE(operators, exceptions_of_the_new_handler_pass_through) {
    std::set_new_handler(throw_at_once);
    bool passed = false;
    try {
        ::operator delete(::operator new(opaque_size(IMPOSSIBLE_BYTES)));
    } catch (const handler_gave_up &) {
        passed = true;
    }
    REQUIRE(passed, "the new-handler's exception did not arrive");
    std::set_new_handler(nullptr);
}

// [new.delete.single]: the nothrow form calls the throwing one and turns any
// exception of it into a null pointer; so the handler runs there too.
CASE(operators, nothrow_runs_the_new_handler_and_gives_null) {
    std::set_new_handler(throw_at_once);
    handler_calls = 0;
    std::size_t size_bytes = opaque_size(IMPOSSIBLE_BYTES);
    REQUIRE(::operator new(size_bytes, std::nothrow) == nullptr, "a block from nothing");
    REQUIRE(::operator new[](size_bytes, std::nothrow) == nullptr, "a block from nothing");
    REQUIRE(::operator new(size_bytes, aligned_to(64), std::nothrow) == nullptr, "a block");
    REQUIRE(::operator new[](size_bytes, aligned_to(64), std::nothrow) == nullptr, "a block");
    REQUIRE(handler_calls == 4, "4 nothrow forms called the new-handler %d times", handler_calls);
    std::set_new_handler(nullptr);
}

namespace {

void *reserve_block;

void release_reserve() {
    handler_calls++;
    ::operator delete(reserve_block);
    reserve_block = nullptr;
    std::set_new_handler(nullptr);
}

} // namespace

// What the handler is for: it frees something, and the request then succeeds.
CASE(operators, new_handler_that_frees_memory_rescues_the_request) {
    reserve_block = ::operator new(64 * MIB);
    limit_address_space(8 * MIB);
    std::set_new_handler(release_reserve);
    handler_calls = 0;
    void *block = ::operator new(opaque_size(40 * MIB));
    REQUIRE(handler_calls == 1, "the new-handler ran %d times", handler_calls);
    std::memset(block, 1, 40 * MIB);
    ::operator delete(block);
    unlimit_address_space();
}

CASE(operators, expressions_of_over_aligned_types) {
    struct alignas(512) wide {
        unsigned char bytes[512];
    };
    for (std::size_t count = 1; count < 40; count++) {
        auto *one = new wide;
        auto *many = new wide[count];
        require_aligned(one, 512, sizeof(wide));
        require_aligned(many, 512, count * sizeof(wide));
        std::memset(one, 3, sizeof *one);
        std::memset(many, 4, count * sizeof *many);
        REQUIRE(one->bytes[511] == 3 && many[count - 1].bytes[511] == 4, "contents lost");
        delete one;
        delete[] many;
    }
}
