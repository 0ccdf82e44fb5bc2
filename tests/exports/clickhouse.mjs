// Runs statements in the ClickHouse engine that the npm package chdb holds. stdin: {"folder": ..., "statements": [...]};
// stdout: for each statement its rows, or {"error": ...}.

import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const installed = createRequire('/usr/local/lib/bpftrace-correlate/page-test/package.json');
const {Session} = installed('chdb');

const {folder, statements} = JSON.parse(readFileSync(0, 'utf8'));
const session = new Session(folder);
const results = statements.map((statement) => {
  try {
    const text = String(session.query(statement, 'JSONEachRow')).trim();
    return text ? text.split('\n').map((line) => JSON.parse(line)) : [];
  } catch (error) {
    return {error: String(error)};
  }
});
console.log(JSON.stringify(results));
process.exit(0);
