"""Draws costs.svg, what a layer costs beside its rival: python3 src/manual/costs.py

The numbers are those of the table in README.md: draw it anew when they change.
"""

import sys
from html import escape
from pathlib import Path

HERE = Path(__file__).parent

# A row of the table, and with whom it is compared where the row does not say so.
ROWS = [
    ("CORS: GET of an allowed origin", "tower-http"),
    ("CORS: preflight, allowed", "tower-http"),
    ("CSRF: GET, same-origin", "tower-http"),
    ("CSRF: POST, same-origin", "tower-http"),
    ("headers: ten headers (tower-helmet)", ""),
    ("CSP: HTML with a nonce (http-security-headers)", ""),
    ("HTTPS: TLS (by hand)", ""),
    ("cookies: no cookie (by hand)", ""),
    ("cookies: three changed (by hand)", ""),
    ("limits: allowed (tower_governor)", ""),
    ("limits: refused (tower_governor)", ""),
    ("sizes and times: GET (tower-http)", ""),
    ("bans: nobody is banned (by hand)", ""),
    ("preset: `api()`, CORS and CSRF, GET (http-security-headers, tower-http)", ""),
    ("preset: `web()` and CORS, a page with a nonce (http-security-headers, tower-http)", ""),
]

# Colours of the light and of the dark picture: text, quiet text, line, band, less than the other, more than the other.
LIGHT = ("#1f2328", "#59636e", "#848d97", "#f6f8fa", "#1a7f37", "#bc4c00")
DARK = ("#f0f6fc", "#9198a1", "#656c76", "#151b23", "#3fb950", "#db6d28")
NAMES = ("text", "quiet", "line", "band", "less", "more")

WIDTH, ROW, TOP = 900, 40, 60
LEFT, BAR, END = 16, 360, 690
# So many times the other's cost is as long as a bar gets.
LONGEST = 3.3


def table():
    """The rows of the table of costs: the other's instructions, ours, and the ratio, as they are written there."""
    rows = {}
    for line in (HERE.parent.parent / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and ": " in cells[0]:
            label, other, ours, ratio = cells
            rows[label] = (other.split(", ", 1)[-1], ours.split(", ", 1)[-1], ratio)
    return rows


def style():
    def rules(colours):
        return "".join(f".{name}{{--c:{colour}}}" for name, colour in zip(NAMES, colours))

    return (
        "text{font:13px system-ui,sans-serif;fill:var(--c)}.name{font-weight:600}"
        "rect{fill:var(--c)}path{fill:none;stroke:var(--c)}"
        f"{rules(LIGHT)}@media(prefers-color-scheme:dark){{{rules(DARK)}}}"
    )


def bar(ratio):
    return round(min(ratio, LONGEST) / LONGEST * (END - BAR))


def picture():
    rows = table()
    missing = [label for label, _ in ROWS if label not in rows]
    if missing:
        sys.exit(f"README.md has no such rows: {missing}")
    bottom = TOP + ROW * len(ROWS)
    one = BAR + bar(1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 16}" role="img">',
        "<title>What a layer costs beside its rival, in instructions</title>",
        f"<style>{style()}</style>",
        f'<text class="quiet" x="{LEFT}" y="24">instructions that a layer adds to a request,</text>',
        f'<text class="quiet" x="{LEFT}" y="42">ours as a part of the other\'s</text>',
        f'<text class="quiet" x="{one}" y="42" text-anchor="middle">the other\'s = 1</text>',
    ]
    for index, (label, rival) in enumerate(ROWS):
        other, ours, ratio = rows[label]
        name, _, inside = label.partition(" (")
        rival = rival or inside.rstrip(")").replace("by hand", "one written by hand")
        y = TOP + ROW * index
        if index % 2 == 0:
            parts.append(f'<rect class="band" x="0" y="{y}" width="{WIDTH}" height="{ROW}"/>')
        colour = "less" if float(ratio) <= 1 else "more"
        parts += [
            f'<text class="text name" x="{LEFT}" y="{y + 17}">{escape(name.replace("`", ""))}</text>',
            f'<text class="quiet" x="{LEFT}" y="{y + 33}">beside {escape(rival)}</text>',
            f'<rect class="{colour}" x="{BAR}" y="{y + 12}" width="{bar(float(ratio))}" height="16"/>',
            f'<text class="text name" x="{END + 14}" y="{y + 25}">{ratio}</text>',
            f'<text class="quiet" x="{END + 54}" y="{y + 25}">{ours} to {other}</text>',
        ]
    parts += [
        f'<path class="line" stroke-dasharray="4 3" d="M{one} 48V{bottom}"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit((HERE / "costs.svg").read_text() != picture() and "costs.svg is not what costs.py draws")
    (HERE / "costs.svg").write_text(picture())
