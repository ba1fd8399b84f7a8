# SPDX-License-Identifier: MIT
"""The real programs: a compiler, a database, two interpreters, a server.

Inputs are generated here, the same for every allocator and machine.
"""

from .program import Launch, Program, run_once
from .program_redis import REDIS
from .rows import Row


def _gcc_command(folder, size):
    """A file of many functions, structures and switches, at -O1."""
    source = folder / "large.c"
    parts = ["struct item { long a, b; struct item *next; };\n"]
    for i in range(100 * size):
        cases = "".join(f"case {j}: s += p->a * {i + j}; p = p->next ? p->next : p; break;\n"
                        for j in range(8))
        parts.append(f"long f{i}(struct item *p, int n) {{ long s = {i};\n"
                     f"for (int k = 0; k < n; k++) switch ((k + {i}) % 9) {{\n"
                     f"{cases}default: s ^= p->b; }}\nreturn s; }}\n")
    source.write_text("".join(parts))
    return ["gcc", "-O1", "-c", "-o", str(folder / "large.o"), str(source)]


def _sqlite_command(folder, size):
    script = folder / "load.sql"
    script.write_text(f"""
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {30000 * size})
INSERT INTO t SELECT i, 'name' || (i * 7919 % 100003), i * 0.5 FROM n;
CREATE INDEX by_name ON t(name);
SELECT count(*), sum(a.value) FROM t a JOIN t b ON a.name = b.name;
SELECT substr(name, 1, 6) AS head, group_concat(id) FROM t GROUP BY head ORDER BY head LIMIT 5;
DELETE FROM t WHERE id % 3 = 0;
""")
    return ["sqlite3", ":memory:", f".read {script}"]


_PYTHON = """
import collections, json
table = collections.defaultdict(list)
for i in range({records}):
    table['key%d' % (i * 7919 % 20011)].append(dict(id=i, text='x' * (i % 200)))
copy = json.loads(json.dumps(table))
assert copy == table
words = sorted(' '.join(str(i) for i in range({words})).split())
print(len(words), sum(len(v) for v in copy.values()))
"""


def _python_command(folder, size):
    script = folder / "work.py"
    script.write_text(_PYTHON.format(records=30000 * size, words=60000 * size))
    # PYTHONMALLOC=malloc: otherwise its own allocator would be measured.
    return ["env", "PYTHONMALLOC=malloc", "/usr/bin/python3", "-S", str(script)]


_PERL = r"""
use strict; use warnings;
my (%seen, @lines);
for my $i (1 .. COUNT) {
    my $line = join ',', map { ($i * $_) % 1009 } 1 .. 12;
    push @lines, $line;
    $seen{$_}{$i} = length $line for split /,/, $line;
}
my $text = join "\n", sort @lines;
$text =~ s/(\d+),(\d+)/$2;$1/g;
print length $text, ' ', scalar keys %seen, "\n";
"""


def _perl_command(folder, size):
    script = folder / "work.pl"
    script.write_text(_PERL.replace("COUNT", str(12000 * size)))
    return ["perl", str(script)]


def _simple(name, tool, command):
    return Program(name, (tool,), command, run_once)


PROGRAMS = (
    _simple("gcc", "gcc", _gcc_command),
    _simple("sqlite3", "sqlite3", _sqlite_command),
    _simple("python3", "/usr/bin/python3", _python_command),
    _simple("perl", "perl", _perl_command),
    REDIS,
)


def program_rows():
    """(rows of what is installed, names of what isn't)."""
    installed = [Row(program.name, 0, "program") for program in PROGRAMS if program.is_installed()]
    absent = [program.name for program in PROGRAMS if not program.is_installed()]
    return installed, absent


def runner_for(row, launcher, folder, size, timeout):
    """run(allocator, round) for a program's row, with its inputs made."""
    program = next(program for program in PROGRAMS if program.name == row.name)
    home = folder / program.name
    home.mkdir()
    prepared = program.prepare(home, size)
    return lambda allocator, _round: program.run(Launch(launcher, allocator, home), prepared,
                                                 timeout)
