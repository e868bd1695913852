"""The fan-out as a picture: bars on a logarithmic scale, for light and dark pages."""

from math import floor, log10

from benchmarks.results import number

PLACES = {
    "fan_out.uvicorn.memory.500": "uvicorn, memory, 500 sockets",
    "fan_out.memory.100.raw": "uvicorn, memory, 100 sockets",
    "fan_out.uvicorn.redis.100": "uvicorn, redis, 100",
    "fan_out.uvicorn.redis_pubsub.100": "uvicorn, redis_pubsub, 100",
    "fan_out.daphne.memory.100": "daphne, memory, 100",
    "fan_out.hypercorn.memory.100": "hypercorn, memory, 100",
    "fan_out.granian.memory.100": "granian, memory, 100",
}
BARS = ("raw", "ours", "tutorial")
WIDTH, LEFT, RIGHT, TOP = 760, 220, 80, 40
BAR, GAP = 12, 14

STYLE = """\
    text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 14px; }
    .right { text-anchor: end; }
    .middle { text-anchor: middle; }
    .line { stroke: #8b949e; stroke-opacity: 0.4; }
    .raw { fill: #8b949e; }
    .ours { fill: #2f9e55; }
    .tutorial { fill: #d9822b; }
    @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } }"""


def fan_out(rows: dict[str, dict]) -> str:
    """Return an SVG of the rows that were measured."""
    groups = []
    for key, label in PLACES.items():
        if key in rows:
            figures = dict(rows[key]["figures"])
            if key == "fan_out.memory.100.raw" and "fan_out.memory.100.tutorial" in rows:
                figures |= rows["fan_out.memory.100.tutorial"]["figures"]
            groups.append((label, {name: figures[name] for name in BARS if name in figures}))
    values = [value for _, figures in groups for value in figures.values()] or [1000]
    first = floor(log10(min(values)))
    last = max(log10(max(values)), first + 1)
    scale = (WIDTH - LEFT - RIGHT) / (last - first)
    parts, y = [], TOP
    for label, figures in groups:
        middle = y + len(figures) * BAR / 2 + 4
        parts.append(f'<text class="right" x="{LEFT - 10}" y="{middle:.0f}">{label}</text>')
        for name, value in figures.items():
            width = (log10(value) - first) * scale
            parts.append(
                f'<rect class="{name}" x="{LEFT}" y="{y}" width="{width:.0f}" height="{BAR - 1}"/>'
                f'<text x="{LEFT + width + 5:.0f}" y="{y + BAR - 2}">{number(value)}</text>'
            )
            y += BAR
        y += GAP
    lines = []
    for power in range(first, floor(last) + 1):
        x = LEFT + (power - first) * scale
        lines.append(
            f'<line class="line" x1="{x:.0f}" x2="{x:.0f}" y1="{TOP - 6}" y2="{y}"/>'
            f'<text class="middle" x="{x:.0f}" y="{y + 14}">{10**power:,}</text>'
        )
    legend = [
        f'<rect class="{name}" x="{LEFT + 110 * place}" y="{y + 26}" width="12" height="12"/>'
        f'<text x="{LEFT + 110 * place + 18}" y="{y + 36}">{name}</text>'
        for place, name in enumerate(BARS)
    ]
    body = "\n".join(f"  {part}" for part in [*lines, *parts, *legend])
    height = y + 50
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"
  aria-labelledby="t">
  <title id="t">Deliveries a second in one room, on a logarithmic scale</title>
  <style>
{STYLE}
  </style>
  <text class="title" x="{LEFT}" y="20">Deliveries a second in one room (logarithmic)</text>
{body}
</svg>
"""
