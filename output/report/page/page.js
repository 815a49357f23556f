// The report's page: it unpacks the map's columns, draws map and charts, and sorts tables. Without
// it the numbers, the tables and a still map are there. It asks for nothing from any network.
'use strict';
(() => {
const figures = JSON.parse(document.getElementById('figures').textContent);
const byId = (id) => document.getElementById(id);
const percent = (share, digits = 2) => (100 * share).toFixed(digits) + ' %';
const grouped = (count) => count.toLocaleString('en-US');
const ms = (us) => us >= 1e6 ? (us / 1e6).toFixed(2) + ' s' : us >= 1e3 ? (us / 1e3).toPrecision(3) + ' ms' : us.toPrecision(3) + ' us';
const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let isPrinting = false;
const isDark = () => !isPrinting && matchMedia('(prefers-color-scheme: dark)').matches;

// --- The map's columns: LEB128 numbers, column by column, deflated, in base64 ---

async function unpackCells() {
  const text = byId('planes').textContent.trim();
  const characters = atob(text), packed = new Uint8Array(characters.length);
  for (let i = 0; i < packed.length; ++i) packed[i] = characters.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let at = 0;
  const next = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const count = next();
  const prefix = figures.map.prefix_length;
  const column = (Type) => {
    const values = new Type(count);
    for (let i = 0; i < count; ++i) values[i] = bytes[at] < 128 ? bytes[at++] : next();
    return values;
  };
  const Count = prefix === 24 ? Uint16Array : Uint32Array;
  const cells = {prefix, count, number: new Uint32Array(count)};
  let before = -1;
  for (let i = 0; i < count; ++i) cells.number[i] = before = before + 1 + next();
  cells.unasked = column(Count);
  cells.asked = column(Count);
  cells.replies = column(Count);
  cells.later = column(Count);
  cells.rtt = column(Uint8Array);
  cells.label = column(Uint32Array);
  for (const name of ['compared', 'gained', 'lost']) cells[name] = column(Count);
  return cells;
}

// A code of a time is 1 + 10 log2(microseconds); 0 is none.
const rttOfCode = (code) => 2 ** ((code - 1) / 10);

// The label of most targets in the cells [from, to).
function mostLabel(cells, from, to) {
  const label = cells.label;
  let same = from + 1;
  while (same < to && label[same] === label[from]) ++same;
  if (same === to) return label[from];
  const targets = new Map();
  for (let i = from; i < to; ++i)
    targets.set(label[i], (targets.get(label[i]) || 0) + cells.asked[i] + cells.unasked[i]);
  let best = 0, most = -1;
  for (const [key, count] of [...targets].sort((a, b) => a[0] - b[0])) if (count > most) [best, most] = [key, count];
  return best;
}

// The median of the cells' medians, by their replies; there are at most four.
function medianOf(cells, from, to) {
  let all = 0, answered = -1, count = 0;
  for (let i = from; i < to; ++i)
    if (cells.rtt[i] > 0) {
      all += cells.replies[i];
      answered = i;
      ++count;
    }
  if (count < 2) return count === 0 ? 0 : cells.rtt[answered];
  const order = [];
  for (let i = from; i < to; ++i) if (cells.rtt[i] > 0) order.push(i);
  order.sort((a, b) => cells.rtt[a] - cells.rtt[b]);
  let seen = 0;
  for (const i of order) if ((seen += cells.replies[i]) * 2 >= all) return cells.rtt[i];
  return 0;
}

// Cells with two bits less of prefix.
function coarser(cells) {
  const starts = [];
  for (let i = 0; i < cells.count; ++i)
    if (i === 0 || cells.number[i] >>> 2 !== cells.number[i - 1] >>> 2) starts.push(i);
  const count = starts.length;
  const result = {prefix: cells.prefix - 2, count, number: new Uint32Array(count), rtt: new Uint8Array(count),
    label: new Uint32Array(count)};
  for (const name of ['unasked', 'asked', 'replies', 'later', 'compared', 'gained', 'lost']) {
    const parts = cells[name], sums = result[name] = new Uint32Array(count);
    for (let i = 0, k = -1; i < cells.count; ++i) {
      if (starts[k + 1] === i) ++k;
      sums[k] += parts[i];
    }
  }
  for (let k = 0; k < count; ++k) {
    const from = starts[k], to = k + 1 < count ? starts[k + 1] : cells.count;
    result.number[k] = cells.number[from] >>> 2;
    result.rtt[k] = medianOf(cells, from, to);
    result.label[k] = mostLabel(cells, from, to);
  }
  return result;
}

// The first place whose number is not below; the numbers ascend.
function lowerBound(numbers, number) {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] < number) low = middle + 1; else high = middle;
  }
  return low;
}

// --- The Hilbert curve, as output/report/hilbert.h has it ---

function pointOf(number, order, isTransposed) {
  let x = 0, y = 0, rest = number;
  for (let bit = 0; bit < order; ++bit) {
    const xPart = (rest >>> 1) & 1, yPart = (rest ^ (rest >>> 1)) & 1, side = 1 << bit;
    if (yPart === 0) {
      if (xPart === 1) { x = side - 1 - x; y = side - 1 - y; }
      [x, y] = [y, x];
    }
    x += xPart * side;
    y += yPart * side;
    rest >>>= 2;
  }
  return isTransposed ? [y, x] : [x, y];
}

function numberOf(x, y, order, isTransposed) {
  if (isTransposed) [x, y] = [y, x];
  let number = 0;
  for (let bit = order - 1; bit >= 0; --bit) {
    const side = 1 << bit;
    const xPart = (x >> bit) & 1, yPart = (y >> bit) & 1;
    number = number * 4 + ((3 * xPart) ^ yPart);
    x &= side - 1;
    y &= side - 1;
    if (yPart === 0) {
      if (xPart === 1) { x = side - 1 - x; y = side - 1 - y; }
      [x, y] = [y, x];
    }
  }
  return number;
}

// --- Colours, as output/report/map_colours.h has them ---

const scales = figures.scales;
const clamped = (scale) => Math.min(1, Math.max(0, scale));
const scaleOf = {
  rate: (share) => clamped(1 - Math.log(share) / Math.log(scales.smallest_share)),
  rtt: (us) => clamped(Math.log(us / scales.shortest_us) / Math.log(scales.longest_us / scales.shortest_us)),
  loss: (loss) => clamped(loss / scales.largest_loss),
  change: (change) => clamped((change / scales.largest_change + 1) / 2),
};
const palette = figures.palette.map((hex) => parseInt(hex.slice(1), 16));
const places = figures.places;
const step = (scale) => places.first_step + Math.round(scale * (places.steps - 1));
const changeStep = (change) => places.first_change + Math.round(scaleOf.change(change) * (places.changes - 1));

function placeOf(cells, i, layer) {
  const map = figures.map;
  if (cells.asked[i] === 0 && cells.replies[i] === 0) return places.not_asked;
  if (layer === 'label')
    return cells.label[i] === 0 ? places.unknown
        : cells.label[i] <= places.labels ? places.first_label + cells.label[i] - 1 : places.other_label;
  if (layer === 'change') {
    if (cells.replies[i] + cells.lost[i] === 0) return places.silent;
    if (cells.compared[i] === 0) return places.unknown;
    return changeStep((cells.gained[i] - cells.lost[i]) / cells.compared[i]);
  }
  if (cells.replies[i] === 0) return places.silent;
  if (layer === 'rate') return map.knows_asked ? step(scaleOf.rate(cells.replies[i] / cells.asked[i])) : places.unknown;
  if (layer === 'rtt') return cells.rtt[i] === 0 ? places.unknown : step(scaleOf.rtt(rttOfCode(cells.rtt[i])));
  return map.has_several_passes ? step(scaleOf.loss(cells.later[i] / cells.replies[i])) : places.unknown;
}

// In a canvas's order of bytes; what was not asked is the paper itself.
function pixelsOfPlaces() {
  const css = {[places.silent]: colourOf('--silent'), [places.unknown]: colourOf('--unknown')};
  return Uint32Array.from(palette, (rgb, place) => {
    if (place === places.not_asked) return 0;
    if (css[place]) rgb = parseInt(css[place].slice(1), 16);
    return (0xff000000 | (rgb & 255) << 16 | (rgb & 0xff00) | rgb >>> 16) >>> 0;
  });
}

// --- The map ---

const addressOf = (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
const networkText = (number, prefix) => addressOf((number * 2 ** (32 - prefix)) >>> 0) + '/' + prefix;

function cellText(cells, number) {
  const at = lowerBound(cells.number, number);
  const name = networkText(number, cells.prefix);
  if (at === cells.count || cells.number[at] !== number)
    return name + ': ' + (figures.map.knows_asked ? 'not asked' : 'no reply, or not asked');
  const replies = cells.replies[at], asked = cells.asked[at];
  const parts = [];
  if (!figures.map.knows_asked) parts.push(`${grouped(replies)} answered; nobody knows how many were asked`);
  else if (asked === 0) parts.push(`none of ${grouped(cells.unasked[at])} asked`);
  else parts.push(`${grouped(replies)} of ${grouped(asked)} asked answered, ${percent(replies / asked)}`);
  if (asked > 0 && cells.unasked[at] > 0) parts.push(`${grouped(cells.unasked[at])} more were not asked`);
  if (cells.rtt[at] > 0) parts.push('median ' + ms(rttOfCode(cells.rtt[at])));
  if (figures.map.has_several_passes && replies > 0)
    parts.push(`${grouped(cells.later[at])} of them not in the first pass, ${percent(cells.later[at] / replies)}`);
  if (figures.map.is_compared)
    parts.push(`${grouped(cells.gained[at])} gained and ${grouped(cells.lost[at])} lost against the earlier scan`);
  if (cells.label[at] > 0) parts.push(figures.map.labels[cells.label[at]]);
  return name + ': ' + parts.join('; ');
}

function prefixOf(text) {
  const match = /^\s*(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?\s*$/.exec(text);
  if (!match || match.slice(1, 5).some((part) => part > 255) || match[5] > 32) return null;
  const value = match.slice(1, 5).reduce((sum, part) => sum * 256 + Number(part), 0);
  return {value, length: match[5] === undefined ? 32 : Number(match[5])};
}

function drawMap(base) {
  const levels = new Map([[base.prefix, base]]);
  for (let cells = base; cells.prefix > 16;) {
    cells = coarser(cells);
    levels.set(cells.prefix, cells);
  }
  const state = {layer: 'rate', isTransposed: figures.map.is_transposed, pixels: pixelsOfPlaces()};
  const zoomMax = (base.prefix - 16) / 2;
  const levelOf = (zoom) => levels.get(16 + 2 * Math.min(zoomMax, Math.max(0, Math.floor(zoom))));
  const crs = L.extend({}, L.CRS.Simple, {transformation: new L.Transformation(1, 0, 1, 0)});
  const map = L.map('map', {crs, minZoom: -1, maxZoom: zoomMax + 6, attributionControl: false,
    maxBounds: [[-64, -64], [320, 320]], zoomAnimation: false, fadeAnimation: false});
  const Tiles = L.GridLayer.extend({
    createTile(coords) {
      const tile = L.DomUtil.create('canvas', 'leaflet-tile');
      tile.width = tile.height = 256;
      drawTile(tile, coords, levelOf(coords.z), state);
      return tile;
    },
  });
  const tiles = new Tiles({tileSize: 256, minNativeZoom: 0, bounds: [[0, 0], [256, 256]], noWrap: true, updateWhenIdle: false});
  tiles.addTo(map);
  // The bounds of a network, in pixels of zoom 0; those of one that is no square are of the square around it.
  const boundsOf = (value, length) => {
    const even = Math.min(24, length & ~1), order = even / 2, side = 256 / 2 ** order;
    const number = even === 0 ? 0 : (value >>> (32 - even));
    const [x, y] = pointOf(number, order, state.isTransposed);
    return [[y * side, x * side], [(y + 1) * side, (x + 1) * side]];
  };
  const home = () => {
    const square = figures.map.square;
    map.fitBounds(boundsOf(prefixOf(square.first).value, square.prefix_length), {animate: false});
  };
  const show = (latlng) => {
    const cells = levelOf(map.getZoom()), order = cells.prefix / 2, side = 2 ** order / 256;
    const x = Math.floor(latlng.lng * side), y = Math.floor(latlng.lat * side);
    if (x < 0 || y < 0 || x >= 2 ** order || y >= 2 ** order) return;
    byId('cell').textContent = cellText(cells, numberOf(x, y, order, state.isTransposed));
  };
  map.on('mousemove click', (event) => show(event.latlng));
  let frame = null;
  const find = () => {
    const wanted = prefixOf(byId('search').value);
    if (frame) frame.remove();
    if (!wanted) {
      byId('cell').textContent = 'Give an address, as four numbers with points, or a prefix, with a slash and a length behind it.';
      return;
    }
    const bounds = boundsOf(wanted.value, wanted.length);
    frame = L.rectangle(bounds, {color: '#d1495b', weight: 2, fill: false, interactive: false}).addTo(map);
    map.fitBounds(bounds, {animate: false, maxZoom: zoomMax + 4});
    // The level of that prefix, or the finest.
    const length = Math.min(base.prefix, Math.max(16, wanted.length & ~1));
    byId('cell').textContent = cellText(levels.get(length), wanted.value >>> (32 - length));
  };
  const redraw = () => {
    state.pixels = pixelsOfPlaces();
    tiles.redraw();
    drawLegend(state);
  };
  byId('layer').addEventListener('change', (event) => { state.layer = event.target.value; redraw(); });
  byId('transpose').checked = state.isTransposed;
  byId('transpose').addEventListener('change', (event) => { state.isTransposed = event.target.checked; redraw(); home(); });
  byId('search').addEventListener('change', find);
  for (const option of byId('layer').options)
    if ((option.value === 'loss' && !figures.map.has_several_passes) ||
        (option.value === 'change' && !figures.map.is_compared) ||
        (option.value === 'label' && figures.map.labels.length < 2)) option.disabled = true;
  home();
  drawLegend(state);
  return redraw;
}

function drawTile(tile, coords, cells, state) {
  const order = cells.prefix / 2;
  const side = 2 ** order / 2 ** coords.z;  // cells along a tile's edge; less than 1 in the closest views
  const context = tile.getContext('2d');
  const image = context.createImageData(256, 256);
  const pixels = new Uint32Array(image.data.buffer);
  const across = Math.max(1, side), scale = 256 / across;
  const left = Math.floor(coords.x * side), top = Math.floor(coords.y * side);
  const first = numberOf(left, top, order, state.isTransposed);
  const begin = first - first % (across * across), end = begin + across * across;
  for (let i = lowerBound(cells.number, begin); i < cells.count && cells.number[i] < end; ++i) {
    const [x, y] = pointOf(cells.number[i], order, state.isTransposed);
    const pixel = state.pixels[placeOf(cells, i, state.layer)];
    for (let row = (y - top) * scale; row < (y - top + 1) * scale; ++row)
      pixels.fill(pixel, row * 256 + (x - left) * scale, row * 256 + (x - left + 1) * scale);
  }
  context.putImageData(image, 0, 0);
}

function key(text, place, state) {
  const item = Object.assign(document.createElement('span'), {className: 'key'});
  const box = Object.assign(document.createElement('canvas'), {width: 14, height: 14});
  const context = box.getContext('2d');
  const pixel = state.pixels[place];
  if (pixel !== 0) {
    context.fillStyle = `rgb(${pixel & 255},${(pixel >>> 8) & 255},${(pixel >>> 16) & 255})`;
    context.fillRect(0, 0, 14, 14);
  }
  item.append(box, text);
  return item;
}

function drawLegend(state) {
  const legend = byId('legend');
  legend.replaceChildren(key('not asked', places.not_asked, state));
  if (state.layer === 'label') {
    const labels = figures.map.labels;
    for (let i = 1; i < labels.length && i <= places.labels; ++i)
      legend.append(key(labels[i], places.first_label + i - 1, state));
    if (labels.length - 1 > places.labels)
      legend.append(key(`${labels.length - 1 - places.labels} more`, places.other_label, state));
    legend.append(key('without a label', places.unknown, state));
    return;
  }
  legend.append(key('asked, silent', places.silent, state));
  const marks = {
    rate: [1 / 256, 1 / 64, 1 / 16, 1 / 4, 1].map((share) => [scaleOf.rate(share), share < 0.01 ? percent(share, 1) : percent(share, 0)]),
    rtt: [100, 1e3, 1e4, 1e5, 1e6, 1e7].map((us) => [scaleOf.rtt(us), ms(us)]),
    loss: [0, 0.05, 0.1, 0.15, 0.2, 0.25].map((loss) => [scaleOf.loss(loss), percent(loss, 0) + (loss === 0.25 ? ' or more' : '')]),
    change: [-1, -0.5, 0, 0.5, 1].map((part) => [part, (part > 0 ? '+' : '') + percent(part * scales.largest_change, 0) + (Math.abs(part) === 1 ? ' or more' : '')]),
  }[state.layer];
  if (state.layer === 'change') {
    for (const [part, text] of marks) legend.append(key(text, changeStep(part * scales.largest_change), state));
    legend.append(key('not compared', places.unknown, state));
    return;
  }
  for (const [scale, text] of marks) legend.append(key(text, step(scale), state));
  legend.append(key('answered, not known', places.unknown, state));
}

// --- Charts ---

const charts = [];

function chart(id, configuration) {
  const canvas = byId(id);
  if (!canvas) return;
  canvas.parentNode.style.height = canvas.parentNode.dataset.height + 'px';
  const ink = isDark() ? '#e4e7eb' : '#1b1f24', line = isDark() ? '#363c45' : '#d4d8dd';
  const options = configuration.options;
  Object.assign(options, {responsive: true, maintainAspectRatio: false, animation: false, color: ink});
  options.plugins = Object.assign({legend: {display: false}}, options.plugins);
  for (const scale of Object.values(options.scales)) {
    scale.ticks = Object.assign({color: ink}, scale.ticks);
    scale.grid = {color: line, borderColor: line};
    if (scale.title) Object.assign(scale.title, {display: true, color: ink});
  }
  charts.push(new Chart(canvas, configuration));
}

const accent = () => isDark() ? '#7db7e8' : '#26608f';

function drawShares(group) {
  const rows = group.rows.filter((row) => row[1] > 0).slice(0, figures.rows_drawn);
  if (rows.length === 0) return;
  const names = rows.map((row) => row[0].length > 28 ? row[0].slice(0, 27) + '…' : row[0]);
  chart('chart-' + group.key, {
    data: {labels: names, datasets: [
      {type: 'bar', data: rows.map((row) => row[3] === null ? null : [100 * row[3], 100 * row[4]]),
        backgroundColor: accent() + '66', barThickness: 5, minBarLength: 2},
      {type: 'line', data: rows.map((row) => 100 * row[2] / row[1]), showLine: false, pointRadius: 4,
        pointBackgroundColor: rows.map((row) => row[3] === null ? 'transparent' : accent()), pointBorderColor: accent()}]},
    options: {indexAxis: 'y', plugins: {tooltip: {callbacks: {label: (item) => shareText(rows[item.dataIndex])}}},
      scales: {x: {min: 0, title: {text: '% of those asked that answered; bar: 95 % interval'}},
        y: {ticks: {autoSkip: false}}}},
  });
}

function shareText(row) {
  const interval = row[3] === null ? 'too few to say' : row[3] === row[4] ? 'all asked' : `${percent(row[3])} to ${percent(row[4])}`;
  return `${grouped(row[2])} of ${grouped(row[1])}: ${percent(row[2] / row[1])} (${interval})`;
}

// The ticks of a logarithmic axis that have a text: 0.01, 0.1, 1...
const powerOfTen = (value) => Number.isInteger(Math.round(1e9 * Math.log10(value)) / 1e9) ? String(+value.toPrecision(6)) : '';

function drawTimes() {
  const bins = figures.rtt;
  let sum = 0;
  const all = bins.reduce((total, bin) => total + bin[2], 0);
  const points = bins.map(([, to, count]) => ({x: to / 1e6, y: 100 * (sum += count) / all}));
  if (points.length > 0) points.unshift({x: bins[0][0] / 1e6 || points[0].x / 2, y: 0});
  chart('chart-rtt', {type: 'line',
    data: {datasets: [{data: points, borderColor: accent(), backgroundColor: accent(), pointRadius: 0, borderWidth: 2, stepped: false}]},
    options: {scales: {x: {type: 'logarithmic', title: {text: 'round-trip time, ms'}, ticks: {maxRotation: 0, callback: powerOfTen}},
      y: {min: 0, max: 100, title: {text: '% of replies not slower'}}}}});
  const series = (id, times, title) => chart(id, {type: 'bar',
    data: {labels: times.counts.map((_, i) => i * times.bin_seconds), datasets: [{data: times.counts, backgroundColor: accent(), barPercentage: 1, categoryPercentage: 1}]},
    options: {scales: {x: {title: {text: title}, ticks: {maxTicksLimit: 12}}, y: {beginAtZero: true, title: {text: times.bin_seconds === 1 ? 'replies' : `replies in ${times.bin_seconds} s`}}}}});
  // A series without a count is said in the text.
  const isEmpty = figures.replied_late.counts.every((count) => count === 0);
  byId('chart-late').parentNode.hidden = isEmpty;
  series('chart-time', figures.replied_by_time, 'seconds since the start');
  if (!isEmpty) series('chart-late', figures.replied_late, 'seconds since the last probe');
  const density = figures.density;
  chart('chart-density', {type: 'bar',
    data: {labels: density.map((_, i) => i + 1), datasets: [{data: density, backgroundColor: accent(), barPercentage: 1, categoryPercentage: 1}]},
    options: {scales: {x: {title: {text: 'addresses of a /24 that answered'}, ticks: {maxTicksLimit: 17}},
      y: {type: 'logarithmic', title: {text: 'networks'}, ticks: {callback: powerOfTen}}}}});
}

function drawCharts() {
  while (charts.length > 0) charts.pop().destroy();
  for (const group of figures.groups) drawShares(group);
  drawTimes();
}

// --- Tables ---

function cellsOfRow(row) {
  const share = row[1] > 0 ? percent(row[2] / row[1]) : '';
  const interval = row[1] === 0 ? '' : row[3] === null ? 'too few' : row[3] === row[4] ? 'all asked' : `${percent(row[3])} to ${percent(row[4])}`;
  return [row[0], row[1] > 0 ? grouped(row[1]) : '', grouped(row[2]), share, interval, row[5] === null ? '' : ms(row[5])];
}

function makeSortable(group) {
  const table = byId('table-' + group.key);
  const heads = [...table.tHead.rows[0].cells];
  const values = [(r) => r[0], (r) => r[1], (r) => r[2], (r) => r[1] > 0 ? r[2] / r[1] : -1, (r) => r[3] ?? -1, (r) => r[5] ?? -1];
  heads.forEach((head, place) => head.addEventListener('click', () => {
    const isAscending = head.getAttribute('aria-sort') === 'descending';
    heads.forEach((each) => each.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', isAscending ? 'ascending' : 'descending');
    const sign = isAscending ? 1 : -1;
    const sorted = [...group.rows].sort((a, b) => {
      const x = values[place](a), y = values[place](b);
      return sign * (x < y ? -1 : x > y ? 1 : 0) || (a[0] < b[0] ? -1 : 1);
    });
    table.tBodies[0].replaceChildren(...sorted.slice(0, figures.rows_shown).map((row) => {
      const line = document.createElement('tr');
      cellsOfRow(row).forEach((text, i) =>
        Object.assign(line.insertCell(), {textContent: text, className: i > 0 ? 'number' : ''}));
      return line;
    }));
  }));
}

function downloadCsv(group) {
  const quoted = (text) => /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  const lines = [group.name + ',asked,answered,share_low,share_high,rtt_p50_us'];
  for (const row of group.rows) lines.push(row.map((value, i) => i === 0 ? quoted(value) : value ?? '').join(','));
  const href = URL.createObjectURL(new Blob([lines.join('\n') + '\n'], {type: 'text/csv'}));
  const link = Object.assign(document.createElement('a'), {href, download: group.key + '.csv'});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// --- All together ---

async function begin() {
  document.body.classList.add('script');
  for (const group of figures.groups) {
    makeSortable(group);
    document.querySelector(`button[data-table="${group.key}"]`).addEventListener('click', () => downloadCsv(group));
  }
  drawCharts();
  const redraw = drawMap(await unpackCells());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { drawCharts(); redraw(); });
  addEventListener('beforeprint', () => { isPrinting = true; drawCharts(); redraw(); });
  addEventListener('afterprint', () => { isPrinting = false; drawCharts(); redraw(); });
  document.body.dataset.state = 'drawn';
}

begin().catch((error) => {
  document.body.dataset.state = 'failed';
  byId('cell').textContent = 'The map could not be drawn: ' + error.message;
  throw error;
});
})();
