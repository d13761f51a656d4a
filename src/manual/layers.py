"""Draws layers.svg, a request's way through the layers: python3 src/manual/layers.py"""

from pathlib import Path

# Name of the slot, what it is for, what it refuses with.
LAYERS = [
    ("context", "id, client, scheme; HSTS", ""),
    ("headers", "nosniff, framing, referrer, caches", ""),
    ("csp", "which scripts run", ""),
    ("cookies", "hardened; sessions bound to the host", ""),
    ("cors", "who may read answers", "403 preflight"),
    ("error_mask", "panics and internals stay inside", "500"),
    ("bans", "who keeps on", "403"),
    ("https", "TLS alone, known hosts", "308 400 403"),
    ("rate_limit", "too much from an address", "429 403 503"),
    ("overload, limits", "shedding; sizes, times, how many", "408 413 503 504"),
    ("csp_reports", "browsers' reports end here", "204 400 413 415"),
    ("csrf", "forged by another site", "403"),
    ("auth", "who is asking", "400 401 503"),
    ("rate_limit_by_principal", "too much from a user", "429"),
    ("require_authorization", "was somebody asked?", "500"),
    ("access", "who may call it", "401 403 404"),
    ("sanitize", "malformed or ambiguous", "400 413 415 422"),
    ("ownership", "whose object it is", "401 404 503"),
]

# Colours of the light and of the dark picture: text, quiet text, line, band, answer, refusal.
LIGHT = ("#1f2328", "#59636e", "#d1d9e0", "#f6f8fa", "#1a7f37", "#cf222e")
DARK = ("#f0f6fc", "#9198a1", "#3d444d", "#151b23", "#3fb950", "#f85149")
NAMES = ("text", "quiet", "line", "band", "answer", "refusal")

WIDTH, ROW, TOP = 860, 27, 66
LEFT, RIGHT = 78, 640
IN, OUT = 40, 820


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
    for index, (name, purpose, refusal) in enumerate(LAYERS):
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
    Path(__file__).with_name("layers.svg").write_text(picture())
