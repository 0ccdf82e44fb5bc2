// Opens a profile in speedscope in headless Chromium; prints what it shows. usage: speedscope.mjs PROFILE

import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname} from 'node:path';

const installed = createRequire('/usr/local/lib/bpftrace-correlate/page-test/package.json');
const {chromium} = installed('playwright-core');
const release = dirname(installed.resolve('speedscope/dist/release/index.html'));
const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--allow-file-access-from-files']});
try {
  const page = await browser.newPage({offline: true});
  page.setDefaultTimeout(20_000);
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`file://${release}/index.html`);
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.click('label[for="file"], a:has-text("Browse"), label:has-text("Browse")')]);
  await chooser.setFiles({name: 'profile', mimeType: 'application/json', buffer: readFileSync(process.argv[2])});
  await page.waitForFunction(() => document.body.innerText.includes('Sandwich'));
  await page.click('text=Sandwich');
  await page.waitForTimeout(500);
  console.log(JSON.stringify({text: await page.evaluate(() => document.body.innerText), problems}));
} finally {
  await browser.close();
}
