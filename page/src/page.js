import {h, render} from 'preact';
import {useMemo, useState} from 'preact/hooks';
import {count, countBy, data, flameTree, rate, timeText, total} from './data.js';
import {Flame} from './flame.js';
import {Table} from './table.js';
import {Timeline} from './timeline.js';

function Head() {
  const {head} = data;
  return h('header', null,
    h('h1', null, head.host || 'a recording'),
    h('p', null, [head.kernel && `Linux ${head.kernel}`, head.cpus && `${head.cpus} CPUs`,
      `${head.seconds.toFixed(1)} s`, head.from && `from ${head.from}`, head.selection].filter(Boolean).join(', ')),
    head.complete ? null : h('p', {class: 'warning', role: 'alert'}, 'INCOMPLETE: the trace is damaged or cut short; ' +
      'what the missing part held, losses too, is in none of the figures below.'),
    h('p', {class: head.lost + head.missed > 0 ? 'warning' : ''},
      `${count(head.lost)} lost, ${count(head.missed)} missed; ${count(head.drops)} drops, ` +
      `${count(head.exceptions)} XDP exceptions; ${count(head.written)} events written whole` +
      (head.only_counted ? `, ${count(head.only_counted)} only counted` : '') + '.'),
    h('p', {class: 'answer'}, head.answer));
}

const CULPRITS = [
  {id: 'name', head: 'Culprit', cell: (row) => row.others ? `${row.name} or ${row.others}` : row.name},
  {id: 'source', head: 'Source', short: true},
  {id: 'where', head: 'Where'},
  {id: 'why', head: 'Why', short: true},
  {id: 'events', head: 'Packets', number: true, cell: (row) => count(row.events)},
  {id: 'rate', head: '/s', number: true, cell: (row) => rate(row.events, data.head.seconds)},
  {id: 'evidence', head: 'Evidence', cell: (row) => h('span', {class: `evidence ${row.evidence}`}, row.evidence)},
  {id: 'since', head: 'Since', short: true, cell: (row) => row.since_ms === null ? '' : timeText(row.since_ms)},
];
const NOBODY = [
  {id: 'location', head: 'No BPF program'},
  {id: 'reason', head: 'Reason'},
  {id: 'events', head: 'Packets', number: true, cell: (row) => count(row.events)},
  {id: 'since', head: 'Since', short: true, cell: (row) => row.since_ms === null ? '' : timeText(row.since_ms)},
  {id: 'why', head: 'Why'},
];
const CHANGES = [
  {id: 'time_ms', head: 'Time', short: true, cell: (row) => timeText(row.time_ms)},
  {id: 'what', head: 'Change'},
  {id: 'program', head: 'Program'},
  {id: 'where', head: 'Where'},
];
const COUNTS = ['event', 'cpu', 'counted', 'written', 'only_counted', 'lost', 'missed', 'filtered'].map((id) =>
  ({id, head: id.replace('_', ' '), number: id !== 'event', cell: (row) => id === 'event' ? row[id] : count(row[id])}));

function Facet({dimension, title, state, setFilter}) {
  const rows = useMemo(() => countBy(dimension, state), [state]);
  const columns = useMemo(() => [{id: 'label', head: title},
    {id: 'events', head: 'Events', number: true, cell: (row) => count(row.events)}], [title]);
  const chosen = state.filters[dimension];
  return h(Table, {caption: title, columns, rows, initialSort: 'events', chosen: (row) => row.index === chosen,
    onChoose: (row) => setFilter(dimension, row.index === chosen ? undefined : row.index)});
}

function Program({program}) {
  const most = Math.max(1, ...program.lines.map((line) => line[3]));
  return h('details', {open: program.lines.some((line) => line[3] > 0)},
    h('summary', null, `${program.name} #${program.id}`, ' ', h('small', null, program.where)),
    program.lines.length === 0 ? h('p', {class: 'note'}, 'The trace holds no source lines of it.') :
    h('div', {class: 'scroll'}, h('table', {class: 'code', 'aria-label': `code of ${program.name}`}, h('tbody', null,
      program.lines.map(([file, line, text, hits]) => h('tr', {class: hits ? 'hot' : ''},
        h('td', {class: 'number'}, hits ? count(hits) : '',
          hits ? h('span', {class: 'bar', style: `width:${100 * hits / most}%`}) : null),
        h('td', {class: 'place'}, `${file}:${line}`), h('td', null, h('code', null, text))))))));
}

const FACETS = [['program', 'Programs'], ['reason', 'Reasons'], ['location', 'Locations'], ['device', 'Devices'],
  ['evidence', 'Evidence'], ['attachment', 'Attachments']];

function Page() {
  const [state, setState] = useState({range: {from: 0, to: data.buckets}, filters: {}});
  const setRange = (from, to) => setState((old) => ({...old, range: {from, to}}));
  const setFilter = (dimension, index) => setState((old) => {
    const filters = {...old.filters, [dimension]: index};
    if (index === undefined) delete filters[dimension];
    return {...old, filters};
  });
  const tree = useMemo(() => flameTree(state), [state]);
  const chosen = Object.entries(state.filters);
  return h('main', null,
    h(Head),
    h(Table, {caption: 'Culprits', columns: CULPRITS, rows: data.culprits, initialSort: 'events'}),
    h(Table, {caption: 'Packets of no BPF program', columns: NOBODY, rows: data.no_program, initialSort: 'events'}),
    h(Timeline, {state, setRange}),
    h('p', {class: 'chosen-part', 'aria-live': 'polite'},
      `Below: ${count(total(state))} of ${count(data.head.in_facts)} events written whole`,
      chosen.map(([dimension, index]) => h('button', {type: 'button', title: 'take this filter away',
        onClick: () => setFilter(dimension, undefined)}, `${dimension}: ${data.labels[dimension][index]} ×`))),
    h('div', {class: 'facets'}, FACETS.map(([dimension, title]) =>
      h(Facet, {key: dimension, dimension, title, state, setFilter}))),
    h(Flame, {tree}),
    h('section', null, h('h2', null, 'Code'),
      data.programs.length ? data.programs.map((program) => h(Program, {key: program.key, program})) :
        h('p', {class: 'note'}, 'No program is named.')),
    h(Table, {caption: 'Loads and attachments', columns: CHANGES, rows: data.changes}),
    h(Table, {caption: 'What became of the events', columns: COUNTS, rows: data.counts}),
    data.notes.length ? h('section', null, h('h2', null, 'Notes'),
      h('ul', null, data.notes.map((note) => h('li', null, note)))) : null,
    h('footer', null, `bpftrace-correlate ${data.head.tool_version}`));
}

document.title = `${data.head.host || 'recording'}: bpftrace-correlate`;
render(h(Page), document.getElementById('page'));
