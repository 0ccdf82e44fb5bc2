// Drops and exceptions over time, with what changed on the host. A drag (or the two sliders) chooses a part of it, which
// all that is below follows.

import {h} from 'preact';
import {useEffect, useRef} from 'preact/hooks';
import uPlot from 'uplot';
import {bucketTime, count, data, overTime, rate, timeText} from './data.js';

const KINDS = [['skb:kfree_skb', 'drops', '--drops'], ['xdp:xdp_exception', 'XDP exceptions', '--exceptions']];

function series(state) {
  const xs = Array.from({length: data.buckets}, (_, i) => bucketTime(i) / 1000);
  return [xs, ...KINDS.map(([event]) => overTime(state, event).map((events) => events * 1000 / data.step_ms))];
}

function drawChanges(plot) {
  const {ctx, bbox} = plot;
  ctx.save();
  ctx.strokeStyle = getComputedStyle(plot.root).getPropertyValue('--change');
  ctx.setLineDash([3, 3]);
  for (const change of data.changes) {
    const x = plot.valToPos(change.time_ms / 1000, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

export function Timeline({state, setRange}) {
  const place = useRef(null);
  const plot = useRef(null);
  const last = useRef(setRange);
  last.current = setRange;
  useEffect(() => {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const axis = {stroke: color('--text'), grid: {stroke: color('--line')}, ticks: {stroke: color('--line')}};
    const options = {
      width: place.current.clientWidth, height: 200, cursor: {drag: {x: true, y: false, setScale: false}},
      legend: {show: true}, scales: {x: {time: false}},
      axes: [{...axis, values: (_, ticks) => ticks.map((tick) => timeText(tick * 1000).slice(0, 12)), space: 110},
        {...axis, values: (_, ticks) => ticks.map((tick) => rate(tick, 1)), size: 56}],
      series: [{label: 'time', value: (_, value) => value == null ? '' : timeText(value * 1000)},
        ...KINDS.map(([, name, variable]) => ({label: `${name}/s`, stroke: color(variable), width: 1.5,
          fill: color(variable) + '33', paths: uPlot.paths.stepped({align: 1}), points: {show: false},
          value: (_, value) => value == null ? '' : rate(value, 1)}))],
      hooks: {
        draw: [drawChanges],
        setSelect: [(one) => {
          if (one.select.width < 2) return;
          const at = (pixel) => (one.posToVal(pixel, 'x') * 1000 - data.head.from_ms) / data.step_ms;
          last.current(Math.max(0, Math.floor(at(one.select.left))),
            Math.min(data.buckets, Math.ceil(at(one.select.left + one.select.width))));
        }],
      },
    };
    plot.current = new uPlot(options, series(state), place.current);
    const resize = new ResizeObserver(() => plot.current.setSize({width: place.current.clientWidth, height: 200}));
    resize.observe(place.current);
    return () => { resize.disconnect(); plot.current.destroy(); };
  }, []);
  useEffect(() => { plot.current.setData(series(state)); }, [state.filters]);
  useEffect(() => {
    const whole = state.range.from === 0 && state.range.to === data.buckets;
    const position = (bucket) => plot.current.valToPos(bucketTime(bucket) / 1000, 'x');
    plot.current.setSelect(whole ? {left: 0, width: 0, top: 0, height: 0} : {
      left: position(state.range.from), width: position(state.range.to) - position(state.range.from),
      top: 0, height: plot.current.over.clientHeight}, false);
  }, [state.range]);
  const slider = (name, value, onInput) => h('label', null, name, h('input', {
    type: 'range', min: 0, max: data.buckets, value, 'aria-valuetext': timeText(bucketTime(value)), onInput}),
    h('output', null, timeText(bucketTime(value))));
  const {from, to} = state.range;
  return h('section', null,
    h('h2', null, 'Over time'),
    h('div', {class: 'plot', ref: place, role: 'img',
      'aria-label': `drops and XDP exceptions over time; ${count(data.changes.length)} changes are marked`}),
    h('div', {class: 'range'},
      slider('from ', from, (event) => setRange(Math.min(+event.target.value, to - 1), to)),
      slider('to ', to, (event) => setRange(from, Math.max(+event.target.value, from + 1))),
      h('button', {type: 'button', disabled: from === 0 && to === data.buckets,
        onClick: () => setRange(0, data.buckets)}, 'whole time')));
}
