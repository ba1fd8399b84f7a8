#!/bin/bash -eu
# SPDX-License-Identifier: MIT
# Builds every fuzz target as ClusterFuzz (and OSS-Fuzz) asks for it, from their
# variables alone: CC, CXX, CFLAGS, CXXFLAGS, LIB_FUZZING_ENGINE, SRC, OUT, WORK and
# SANITIZER. `ci/check-clusterfuzz` runs it here. Leaves in OUT, for each target:
# fuzz_NAME, fuzz_NAME_seed_corpus.zip, fuzz_NAME.dict and fuzz_NAME.options.
: "$SANITIZER" "$LIB_FUZZING_ENGINE" # fuzz/CMakeLists.txt reads both

tree=$SRC/hakmem
build=$WORK/build
rm -rf "$build" # another sanitizer's

# A build type of no flags of its own: CFLAGS decide.
cmake -S "$tree" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Fuzz \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
    -DCMAKE_C_FLAGS="$CFLAGS" -DCMAKE_CXX_FLAGS="$CXXFLAGS" \
    -DHAKMEM_FUZZ=ON -DHAKMEM_TESTS=OFF -DHAKMEM_CHECK_LEVEL=3
cmake --build "$build" --target fuzz_targets

for target in "$build"/bin/fuzz_*; do
    name=${target##*/fuzz_}
    inputs=("$tree/fuzz/corpus/$name"/*)
    if [ -d "$tree/fuzz/crashes/$name" ]; then
        inputs+=("$tree/fuzz/crashes/$name"/*)
    fi
    cp "$target" "$OUT/"
    python3 -m zipfile -c "$OUT/fuzz_${name}_seed_corpus.zip" "${inputs[@]}"
    cp "$tree/fuzz/dict/$name.dict" "$OUT/fuzz_$name.dict"
    sed "s/^dict = /dict = fuzz_/" "$tree/fuzz/dict/$name.options" >"$OUT/fuzz_$name.options"
done
