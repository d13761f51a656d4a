"""Draws layers.svg, a request's way through the layers: python3 src/manual/layers.py

What a layer refuses with is read from the table in order.md, which a test compares with the sources.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent

# Name of the slot, and what it is for.
LAYERS = [
    ("context", "id, client, scheme; HSTS"),
    ("headers", "nosniff, framing, referrer, caches"),
    ("csp", "which scripts run"),
    ("cookies", "hardened; bound to the host"),
    ("cors", "who may read answers"),
    ("error_mask", "panics and internals stay inside"),
    ("bans", "who keeps on"),
    ("https", "TLS alone, known hosts"),
    ("rate_limit", "too much from an address"),
    ("overload, limits", "shedding; sizes, times, how many"),
    ("csp_reports", "browsers' reports end here"),
    ("csrf", "forged by another site"),
    ("auth", "who is asking"),
    ("rate_limit_by_principal", "too much from a user"),
    ("require_authorization", "was somebody asked?"),
    ("access", "who may call it"),
    ("sanitize", "malformed or ambiguous"),
    ("ownership", "whose object it is"),
]


def refusals():
    """The statuses of each slot, by the table of the page."""
    rows = re.findall(r"^\| \d+ \| `(\w+)` \| (.*?) \|", (HERE / "order.md").read_text(), re.MULTILINE)
    return {slot: sorted(set(re.findall(r"\b[345]\d\d\b", cell))) for slot, cell in rows}


# Colours of the light and of the dark picture: text, quiet text, line, band, answer, refusal.
LIGHT = ("#1f2328", "#59636e", "#d1d9e0", "#f6f8fa", "#1a7f37", "#cf222e")
DARK = ("#f0f6fc", "#9198a1", "#3d444d", "#151b23", "#3fb950", "#f85149")
NAMES = ("text", "quiet", "line", "band", "answer", "refusal")

WIDTH, ROW, TOP = 900, 27, 66
LEFT, RIGHT = 78, 560
IN, OUT = 40, 860


def style():
    def rules(colours):
        return "".join(f".{name}{{--c:{colour}}}" for name, colour in zip(NAMES, colours))

    return (
        "text{font:13px system-ui,sans-serif;fill:var(--c)}"
        ".code{font-family:ui-monospace,monospace;font-weight:600}"
        "rect{fill:var(--c)}path{fill:none;stroke:var(--c);stroke-width:2}"
        "path.line{stroke-width:1}polygon{fill:var(--c)}"
        f"{rules(LIGHT)}@media(prefers-color-scheme:dark){{{rules(DARK)}}}"
    )


def picture():
    codes = refusals()
    bottom = TOP + ROW * len(LAYERS)
    handler = bottom + 12
    height = handler + 52
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>A request's way through the layers, and what each can refuse</title>",
        f"<style>{style()}</style>",
        f'<text class="text" x="{IN}" y="26" text-anchor="middle">request</text>',
        f'<text class="text" x="{OUT}" y="26" text-anchor="middle">answer</text>',
        f'<text class="quiet" x="{RIGHT}" y="52">refuses with</text>',
        f'<text class="quiet" x="{LEFT + 12}" y="52">slot</text>',
    ]
    for index, (name, purpose) in enumerate(LAYERS):
        refusal = " ".join(code for slot in name.split(", ") for code in codes.get(slot, []))
        y = TOP + ROW * index
        middle = y + 18
        if index % 2 == 0:
            parts.append(f'<rect class="band" x="{LEFT}" y="{y}" width="{OUT - LEFT - 20}" height="{ROW}"/>')
        parts.append(f'<text class="text code" x="{LEFT + 12}" y="{middle}">{name}</text>')
        parts.append(f'<text class="quiet" x="{LEFT + 230}" y="{middle}">{purpose}</text>')
        if refusal:
            parts.append(f'<text class="refusal code" x="{RIGHT}" y="{middle}">{refusal}</text>')
            x = OUT - 7
            parts.append(f'<path class="refusal" d="M{x - 18} {y + 13}H{x - 4}"/>')
            parts.append(f'<polygon class="refusal" points="{x - 6},{y + 9} {x + 2},{y + 13} {x - 6},{y + 17}"/>')
    parts += [
        f'<path class="text" d="M{IN} 36V{handler + 17}H{LEFT - 8}"/>',
        f'<polygon class="text" points="{LEFT - 10},{handler + 12} {LEFT},{handler + 17} {LEFT - 10},{handler + 22}"/>',
        f'<rect class="band" x="{LEFT}" y="{handler}" width="{OUT - LEFT - 20}" height="34"/>',
        f'<text class="text code" x="{LEFT + 12}" y="{handler + 22}">handler</text>',
        f'<text class="quiet" x="{LEFT + 230}" y="{handler + 22}">its answer passes the same layers on its way out</text>',
        f'<path class="answer" d="M{OUT - 20} {handler + 17}H{OUT}V44"/>',
        f'<polygon class="answer" points="{OUT - 5},46 {OUT},36 {OUT + 5},46"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit((HERE / "layers.svg").read_text() != picture() and "layers.svg is not what layers.py draws")
    (HERE / "layers.svg").write_text(picture())
