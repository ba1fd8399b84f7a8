# SPDX-License-Identifier: MIT
"""The real programs that ci/real-programs runs: shell scripts, each run by
`sh -eu` in an empty folder of its own, with $ROOT the tree.

A script fails by its exit status, or by leaving another `compare` file than
the same script left on the C library's own malloc."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    name: str
    tools: tuple  # commands that must be there
    script: str
    limited_stack_kib: int = 8192  # of each thread, where the address space is limited


# PYTHONMALLOC=malloc: every object comes from malloc, not from python's pools.
PYTHON = """
PYTHONMALLOC=malloc PYTHONHASHSEED=0 /usr/bin/python3 -m test {tests}
"""

SQLITE = """
sqlite3 big.db <<'SQL'
PRAGMA journal_mode = wal;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, body TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
  INSERT INTO item SELECT i, 'name-' || (i * 7919 % 100003), printf('%.*c', 900 + i % 200, 'x')
  FROM n;
CREATE INDEX item_name ON item (name);
UPDATE item SET body = body || name WHERE id % 7 = 0;
DELETE FROM item WHERE id % 11 = 0;
VACUUM;
SQL
sqlite3 big.db >compare <<'SQL'
PRAGMA integrity_check;
SELECT page_count * page_size > 100000000 FROM pragma_page_count, pragma_page_size;
SELECT count(*), sum(length(body)) FROM item;
SELECT group_concat(name) FROM (SELECT name FROM item ORDER BY body, name LIMIT 1000);
SQL
grep -qx ok compare
sed -n 2p compare | grep -qx 1
"""

# cmake, ninja, cc1, as and ld all run on the library.
BUILD = """
cmake -S "$ROOT" -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DHAKMEM_TESTS=OFF \\
    -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ >cmake.log || { cat cmake.log; exit 1; }
cmake --build build --parallel 2 >build.log || { tail -n 30 build.log; exit 1; }
nm --defined-only --format=posix build/lib/*.a 2>/dev/null | awk 'NF > 1 { print $1, $2 }' \\
    | sort >compare
"""

# The same object code must come out, whatever malloc the compiler ran on.
GXX = """
cat >words.cc <<'CC'
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>
int main() {
    std::map<std::string, std::vector<std::unique_ptr<int>>> tree;
    std::unordered_map<std::string, std::string> table;
    for (int i = 0; i < 20000; i++) {
        std::string key = "key" + std::to_string(i * 7919 % 10007);
        tree[key].push_back(std::make_unique<int>(i));
        table[key] += std::string(static_cast<size_t>(i % 300), 'x');
    }
    long sum = 0;
    for (auto &[key, values] : tree)
        for (auto &value : values)
            sum += *value * std::regex_match(key, std::regex("key[0-9]*7"));
    std::cout << sum << ' ' << table.size() << std::endl;
}
CC
g++ -std=c++17 -O2 -frandom-seed=1 -c words.cc -o words.o
sha256sum words.o >compare
g++ words.o -o words
./words >>compare
"""

GIT = """
export HOME="$PWD" GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
git config --global user.name test
git config --global user.email test@example.org
git init -q -b main one
cp -R "$ROOT/src" "$ROOT/ci" "$ROOT/include" one/
cd one
rm -rf ci/lib/hakci/__pycache__
git add .
git commit -q -m start
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    find . -name '*.h' -exec sh -c 'echo "/* $0 */" >>"$1"' "$n" {} ';'
    git commit -q -a -m "change $n"
done
git log -p --stat >/dev/null
git repack -q -a -d -f
git fsck --full --strict
cd ..
git clone -q --no-local "file://$PWD/one" two
git -C two fsck --full --strict
git -C two log --format='%H %s' >compare
git -C two ls-tree -r HEAD >>compare
"""

PERL = r"""
perl >compare <<'PERL'
use strict;
use warnings;
my (%table, @rows);
for my $i (1 .. 200_000) {
    my $key = "key" . ($i * 7919 % 100_003);
    $table{$key} .= chr(65 + $i % 26) x ($i % 40);
    push @rows, [$i, $key, { n => $i % 97 }] if $i % 3 == 0;
}
delete @table{grep { length($table{$_}) % 5 == 0 } keys %table};
my $text = join ",", map { "$_=$table{$_}" } sort keys %table;
my $changed = ($text =~ s/(\w)\1{3,}/<$1>/g);
my @sorted = sort { $a->[2]{n} <=> $b->[2]{n} || $a->[0] <=> $b->[0] } @rows;
print length($text), " $changed $sorted[0][1] $sorted[-1][1] ", unpack("%32C*", $text), "\n";
PERL
"""

# Text that packs neither to nothing nor badly, the same on every run.
DATA = r"""
awk 'BEGIN { s = 42; for (i = 0; i < 600000; i++) { s = (s * 16807) % 2147483647;
    printf "%d record %d of kind %d\n", s, i, s % 17 } }' >data
"""

XZ = DATA + """
xz -T4 -2 --block-size=4MiB -k data
xz -t data.xz
xz -dc -T4 data.xz | cmp - data
sha256sum data.xz >compare
"""

ZSTD = DATA + """
zstd -q -T4 -9 data
zstd -q -t data.zst
zstd -q -dc data.zst | cmp - data
"""

PROGRAMS = (
    Program("python3-dict-list-json", ("/usr/bin/python3",),
            PYTHON.format(tests="test_dict test_list test_json")),
    # With stacks of 8 MiB a hundred threads do not fit, and python waits for ever
    # for one that never started, on the C library's malloc too.
    Program("python3-threading", ("/usr/bin/python3",), PYTHON.format(tests="test_threading"),
            limited_stack_kib=1024),
    Program("sqlite3", ("sqlite3",), SQLITE),
    Program("gcc-builds-hakmem", ("gcc", "g++", "cmake", "ninja", "nm"), BUILD),
    Program("g++", ("g++",), GXX),
    Program("git", ("git",), GIT),
    Program("perl", ("perl",), PERL),
    Program("xz", ("xz", "awk"), XZ),
    Program("zstd", ("zstd", "awk"), ZSTD),
)
