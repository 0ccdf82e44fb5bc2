// The data that the program put into the page (report/page_data.h), and what is asked of it: how many events there are
// of each value of a dimension within a range of buckets and under the filters that are set.

export const data = JSON.parse(document.getElementById('data').textContent);

// The places of a fact's values; `pairs` holds bucket, count, bucket, count, ...
export const DIMENSIONS = ['event', 'reason', 'location', 'device', 'program', 'evidence', 'attachment'];
const STACK = DIMENSIONS.length;
const PAIRS = STACK + 1;

export function label(dimension, index) {
  return data.labels[dimension][index];
}

// Events of a fact in [from, to) of buckets.
function within(fact, range) {
  const pairs = fact[PAIRS];
  let sum = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] >= range.from && pairs[i] < range.to) sum += pairs[i + 1];
  }
  return sum;
}

// `filters`: dimension -> index of the value that is wanted. `except`: this one's filter is left out, so that its own
// table shows what else there is.
export function select(state, except) {
  const wanted = Object.entries(state.filters).filter(([dimension]) => dimension !== except)
      .map(([dimension, index]) => [DIMENSIONS.indexOf(dimension), index]);
  return data.facts.filter((fact) => wanted.every(([place, index]) => fact[place] === index));
}

// [{index, label, events}], most first.
export function countBy(dimension, state) {
  const place = DIMENSIONS.indexOf(dimension);
  const counts = new Map();
  for (const fact of select(state, dimension)) {
    const events = within(fact, state.range);
    if (events > 0) counts.set(fact[place], (counts.get(fact[place]) || 0) + events);
  }
  return [...counts].map(([index, events]) => ({index, label: label(dimension, index), events}))
      .sort((a, b) => b.events - a.events || (a.label < b.label ? -1 : 1));
}

export function total(state) {
  return select(state).reduce((sum, fact) => sum + within(fact, state.range), 0);
}

// Events a bucket, of one kind of event; the range does not matter.
export function overTime(state, events) {
  const counts = new Array(data.buckets).fill(0);
  for (const fact of select(state)) {
    if (events && label('event', fact[0]) !== events) continue;
    const pairs = fact[PAIRS];
    for (let i = 0; i < pairs.length; i += 2) counts[pairs[i]] += pairs[i + 1];
  }
  return counts;
}

// The tree of a flame graph: {name, kind, value, children}.
export function flameTree(state) {
  const root = {name: 'all', kind: 'root', value: 0, children: new Map()};
  const child = (node, name, kind, events) => {
    let next = node.children.get(name);
    if (!next) node.children.set(name, next = {name, kind, value: 0, children: new Map()});
    next.value += events;
    return next;
  };
  for (const fact of select(state)) {
    const events = within(fact, state.range);
    if (events === 0) continue;
    root.value += events;
    let node = child(root, label('event', fact[0]), 'event', events);
    if (fact[STACK] < 0) {
      node = child(node, fact[STACK] === -1 ? '[no callchain taken]' : '[other callchains]', 'none', events);
    } else {
      for (const frame of data.stacks[fact[STACK]]) {
        const [name, kind] = data.frames[frame];
        node = child(node, name, kind, events);
      }
    }
    child(node, label('reason', fact[1]), 'reason', events);
  }
  const plain = (node) => ({...node, children: [...node.children.values()].map(plain)
      .sort((a, b) => b.value - a.value)});
  return plain(root);
}

export function bucketTime(bucket) {
  return data.head.from_ms + bucket * data.step_ms;
}

export function timeText(ms) {
  return data.head.wall_clock ? new Date(ms).toISOString().slice(11, 23) : (ms / 1000).toFixed(3);
}

export function count(number) {
  return number.toLocaleString('en-US');
}

export function rate(events, seconds) {
  if (!(seconds > 0)) return '';
  const value = events / seconds;
  if (value >= 1e6) return (value / 1e6).toFixed(1) + 'M';
  if (value >= 1e3) return (value / 1e3).toFixed(1) + 'k';
  return value >= 10 ? value.toFixed(0) : value.toFixed(1);
}
