// A flame graph of callchains, outermost at the top; frames of BPF programs and of the kernel have colours of their own.
// Enter or a click goes into a frame, Escape goes out again.

import {hierarchy, partition} from 'd3-hierarchy';
import {h} from 'preact';
import {useEffect, useMemo, useState} from 'preact/hooks';
import {count} from './data.js';

const LEAST_SHARE = 0.002;

function find(tree, path) {
  let node = tree;
  for (const name of path) {
    const next = node.children.find((child) => child.name === name);
    if (!next) return null;
    node = next;
  }
  return node;
}

export function Flame({tree}) {
  const [path, setPath] = useState([]);
  useEffect(() => { if (!find(tree, path)) setPath([]); }, [tree]);
  const top = find(tree, path) || tree;
  const nodes = useMemo(() => {
    const root = hierarchy(top);
    root.each((node) => { node.value = node.data.value; });
    return partition()(root).descendants().filter((node) => node.x1 - node.x0 >= LEAST_SHARE);
  }, [top]);
  const depth = Math.max(...nodes.map((node) => node.depth)) + 1;
  const pathOf = (node) => node.ancestors().map((one) => one.data.name).reverse().slice(1);
  return h('section', {onKeyDown: (event) => { if (event.key === 'Escape') setPath(path.slice(0, -1)); }},
    h('h2', null, 'Callchains'),
    h('p', {class: 'legend'}, h('span', {class: 'key bpf'}, 'BPF'), h('span', {class: 'key kernel'}, 'kernel'),
      h('span', {class: 'key module'}, 'module'), h('span', {class: 'key reason'}, 'reason'),
      path.length ? h('button', {type: 'button', onClick: () => setPath([])}, 'show all') : null),
    h('div', {class: 'scroll'}, h('div', {class: 'flame', role: 'group', 'aria-label': 'flame graph of callchains',
        style: `height:${depth * 20}px`},
      nodes.map((node) => {
        const share = tree.value ? (100 * node.data.value / tree.value).toFixed(1) : '0';
        const text = `${node.data.name}: ${count(node.data.value)} events, ${share} %`;
        return h('button', {type: 'button', class: `frame ${node.data.kind}`, title: text, 'aria-label': text,
          style: `left:${node.x0 * 100}%;width:${(node.x1 - node.x0) * 100}%;top:${node.depth * 20}px`,
          onClick: () => setPath(node.depth === 0 ? path.slice(0, -1) : path.concat(pathOf(node)))},
          node.data.name);
      }))));
}
