# SPDX-License-Identifier: MIT
"""Pieces of the page: escaped texts, figures, tables, charts with their text
alternative. Whatever comes from outside goes through escaped()."""

import html

LONG_CELL = 30  # characters; such a cell gets room, or it is a column of single words


def escaped(value):
    return html.escape(str(value))


def figure_text(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def figures(values):
    """A row of named figures."""
    if not values:
        return ""
    cells = "".join(f"<div><dt>{escaped(name.replace('_', ' '))}</dt>"
                    f"<dd>{escaped(figure_text(value))}</dd></div>"
                    for name, value in values.items())
    return f"<dl class=figures>{cells}</dl>"


def table(head, rows, caption):
    """A table that scrolls by itself where the screen is narrow. Numbers stand
    to the right. A cell ("bad", text) is marked."""
    columns = "".join(f"<th scope=col>{escaped(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows)
    return (f"<div class=scroll tabindex=0 role=region aria-label=\"{escaped(caption)}\">"
            f"<table><caption>{escaped(caption)}</caption>"
            f"<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>")


def cell(value):
    mark = ""
    if isinstance(value, tuple):
        mark, value = f" class={value[0]}", value[1]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        mark = " class=number"
    elif len(str(value)) > LONG_CELL:
        mark = " class=long"
    return f"<td{mark}>{escaped(figure_text(value))}</td>"


def folded(summary, inner):
    return f"<details class=more><summary>{escaped(summary)}</summary>{inner}</details>"


def preformatted(text):
    return f"<pre tabindex=0>{escaped(text)}</pre>"


def paragraph(text, kind=""):
    mark = f" class={kind}" if kind else ""
    return f"<p{mark}>{escaped(text)}</p>"


def chart(identifier, label, height_rem=16):
    """A canvas that the page's script draws on; `label` says what it shows."""
    return (f"<div class=card><div class=chart style=\"height:{height_rem:g}rem\">"
            f"<canvas id=\"{escaped(identifier)}\" role=img aria-label=\"{escaped(label)}\">"
            f"</canvas></div></div>")
