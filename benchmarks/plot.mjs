// Line plots as SVG, from the panels that trials make of their results: both axes logarithmic, since sizes double and
// times spread. Colours are readable on light and on dark grounds; what differs by colour differs by marker, too.
const WIDTH = 930;
const PANEL = { height: 330, left: 70, right: 400, top: 50, bottom: 55 };
const COLOURS = ['#2f7ed8', '#d9822b', '#2e9e5b', '#a259c4', '#d64550', '#7d8590'];
const STYLE = `
  text { font: 13px sans-serif; fill: #24292f } .title { font-weight: bold; font-size: 15px }
  .axis { stroke: #57606a } .grid { stroke: #d0d7de; stroke-width: 0.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .axis { stroke: #9198a1 } .grid { stroke: #3d444d }
  }`;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const round = (n) => Math.round(n * 10) / 10;

/** 1, 2, 5, 10, ... between two numbers, and the ones around them. */
function ticks(low, high) {
  const all = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const digit of [1, 2, 5]) all.push(Number(`${digit}e${power}`));
  const from = all.findLastIndex((tick) => tick <= low);
  const to = all.findIndex((tick) => tick >= high);
  return all.slice(from, to + 1);
}

function scale(low, high, from, to) {
  const spread = Math.log(high) - Math.log(low) || 1;
  return (value) => round(from + ((Math.log(value) - Math.log(low)) / spread) * (to - from));
}

const MARKERS = [
  (x, y) => `<circle cx="${x}" cy="${y}" r="4"/>`,
  (x, y) => `<rect x="${x - 4}" y="${y - 4}" width="8" height="8"/>`,
  (x, y) => `<path d="M${x} ${y - 5}l5 9h-10z"/>`,
  (x, y) => `<path d="M${x} ${y - 5}l5 5l-5 5l-5 -5z"/>`,
];

function line({ name, points }, i, x, y, legendY) {
  const colour = COLOURS[i % COLOURS.length];
  const marker = MARKERS[i % MARKERS.length];
  const at = points.toSorted((a, b) => a[0] - b[0]).map(([px, py]) => [x(px), y(py)]);
  const legendX = WIDTH - PANEL.right + 20;
  return `<g fill="${colour}" stroke="none">
<polyline points="${at.map((point) => point.join(',')).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>
${at.map(([px, py]) => marker(px, py)).join('')}${marker(legendX, legendY - 4)}</g>
<text x="${legendX + 14}" y="${legendY}">${escaped(name)}</text>`;
}

function panel({ title, x: xLabel, y: yLabel, series }, top) {
  const used = series.filter(({ points }) => points.length > 0);
  const points = used.flatMap((one) => one.points);
  const xs = [...new Set(points.map(([px]) => px))].sort((a, b) => a - b);
  const yTicks = ticks(Math.min(...points.map(([, py]) => py)), Math.max(...points.map(([, py]) => py)));
  const [left, right] = [PANEL.left, WIDTH - PANEL.right];
  const [upper, lower] = [top + PANEL.top, top + PANEL.height - PANEL.bottom];
  const x = scale(xs[0], xs.at(-1), left + 15, right - 15);
  const y = scale(yTicks[0], yTicks.at(-1), lower, upper);
  return [
    `<text class="title" x="${left}" y="${top + 28}">${escaped(title)}</text>`,
    ...yTicks.map(
      (tick) => `<line class="grid" x1="${left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}"/>
<text x="${left - 8}" y="${y(tick) + 4}" text-anchor="end">${tick}</text>`,
    ),
    ...xs.map(
      (tick) => `<text x="${x(tick)}" y="${lower + 20}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
    ),
    `<line class="axis" x1="${left}" x2="${right}" y1="${lower}" y2="${lower}"/>`,
    `<line class="axis" x1="${left}" x2="${left}" y1="${upper}" y2="${lower}"/>`,
    `<text x="${(left + right) / 2}" y="${lower + 42}" text-anchor="middle">${escaped(xLabel)}</text>`,
    `<text transform="translate(18 ${(upper + lower) / 2}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>`,
    ...used.map((one, i) => line(one, i, x, y, upper + 12 + 22 * i)),
  ].join('\n');
}

/** @param panels [{title, x, y, series: [{name, points: [[x, y]]}]}], one below the other @returns {string} an SVG */
export function plot(panels) {
  const height = PANEL.height * panels.length;
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  const title = escaped(panels.map((one) => one.title).join('; '));
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img"><title>${title}</title><style>${STYLE}</style>
${panels.map((one, i) => panel(one, i * PANEL.height)).join('\n')}
</svg>
`;
}
