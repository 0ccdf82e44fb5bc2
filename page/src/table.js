// A table that sorts by a click (or Enter) on a head and filters by text. Rows may be chosen.

import {createTable, getCoreRowModel, getFilteredRowModel, getSortedRowModel} from '@tanstack/table-core';
import {h} from 'preact';
import {useMemo, useState} from 'preact/hooks';

const MOST_ROWS = 200;

// columns: [{id, head, number, cell(row)}]; `value` of a column is what it sorts by.
export function Table({caption, columns, rows, chosen, onChoose, initialSort}) {
  const [sorting, setSorting] = useState(initialSort ? [{id: initialSort, desc: true}] : []);
  const [filter, setFilter] = useState('');
  const definitions = useMemo(() => columns.map((column) => ({
    id: column.id, accessorFn: (row) => row[column.id], sortDescFirst: !!column.number,
    filterFn: 'includesString', meta: column})), [columns]);
  const table = createTable({
    data: rows, columns: definitions, state: {sorting, globalFilter: filter, columnPinning: {}},
    onSortingChange: (update) => setSorting((old) => typeof update === 'function' ? update(old) : update),
    onStateChange: () => {}, globalFilterFn: 'includesString', getColumnCanGlobalFilter: () => true,
    getCoreRowModel: getCoreRowModel(), getFilteredRowModel: getFilteredRowModel(),
    getSortedRowModel: getSortedRowModel(), renderFallbackValue: '',
  });
  const all = table.getRowModel().rows;
  const shown = all.slice(0, MOST_ROWS);
  const choose = (row) => onChoose && onChoose(row.original);
  return h('section', {class: 'table'},
    h('div', {class: 'table-head'}, h('h2', null, caption),
      h('input', {type: 'search', placeholder: 'filter', 'aria-label': `filter ${caption}`, value: filter,
        onInput: (event) => setFilter(event.target.value)})),
    h('div', {class: 'scroll'}, h('table', {'aria-label': caption, class: columns.length > 3 ? 'wide' : ''},
      h('thead', null, h('tr', null, table.getFlatHeaders().map((header) => {
        const column = header.column;
        const sorted = column.getIsSorted();
        return h('th', {scope: 'col', class: column.columnDef.meta.number ? 'number' : '',
            'aria-sort': sorted === 'desc' ? 'descending' : sorted ? 'ascending' : 'none'},
          h('button', {type: 'button', onClick: () => column.toggleSorting()},
            column.columnDef.meta.head, sorted === 'desc' ? ' ▼' : sorted ? ' ▲' : ''));
      }))),
      h('tbody', null, shown.map((row) => h('tr', {
          class: chosen && chosen(row.original) ? 'chosen' : '',
          'aria-selected': onChoose ? String(!!(chosen && chosen(row.original))) : undefined,
          tabIndex: onChoose ? 0 : undefined, onClick: () => choose(row),
          onKeyDown: (event) => { if (event.key === 'Enter') choose(row); }},
        columns.map((column) => h('td', {class: column.number ? 'number' : column.short ? 'short' : ''},
          column.cell ? column.cell(row.original) : row.original[column.id]))))))),
    all.length > shown.length ? h('p', {class: 'note'}, `and ${all.length - shown.length} more: filter them`) : null,
    all.length === 0 ? h('p', {class: 'note'}, 'nothing') : null);
}
