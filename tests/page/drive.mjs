// Opens a page of `report --html` in headless Chromium once for each scenario, does what it says, and prints what it
// saw as JSON, by scenario. usage: drive.mjs PAGE SCENARIO,... [PREFIX of screenshots]

import {createRequire} from 'node:module';

const [, , file, names, prefix] = process.argv;
const installed = createRequire('/usr/local/lib/bpftrace-correlate/page-test/package.json');
const {chromium} = installed('playwright-core');

const rows = (page, table) => page.$$eval(`table[aria-label="${table}"] tbody tr`,
  (all) => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
const below = (page) => page.$eval('.chosen-part', (one) => +one.innerText.match(/Below: ([\d,]+)/)[1].replaceAll(',', ''));

const scenarios = {
  async content(page) {
    return {
      title: await page.title(), answer: await page.innerText('.answer'), head: await page.innerText('header'),
      culprits: await rows(page, 'Culprits'), nobody: await rows(page, 'Packets of no BPF program'),
      programs: await rows(page, 'Programs'), counts: await rows(page, 'What became of the events'),
      changes: await rows(page, 'Loads and attachments'), below: await below(page),
      flame: await page.$$eval('.frame', (all) => all.map((one) => [one.innerText, one.className])),
      hot: await page.$$eval('.hot code', (all) => all.map((one) => one.innerText)),
      images: await page.$$eval('img', (all) => all.length),
    };
  },
  async brush(page) {
    const before = {below: await below(page), programs: await rows(page, 'Programs')};
    const plot = await page.$('.u-over');
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60, {steps: 5});
    await page.mouse.up();
    const after = {below: await below(page), programs: await rows(page, 'Programs'),
      selected: await page.$eval('.u-select', (one) => one.offsetWidth / one.parentElement.offsetWidth)};
    await page.click('button:has-text("whole time")');
    return {before, after, again: {below: await below(page)}};
  },
  async keyboard(page) {
    const seen = {below: await below(page)};
    await page.focus('.range input >> nth=0');
    for (let i = 0; i < 3; i++) await page.keyboard.press('PageUp');
    seen.belowAfterSlider = await below(page);
    await page.click('button:has-text("whole time")');
    await page.focus('table[aria-label="Programs"] th button >> nth=0');
    await page.keyboard.press('Enter');
    seen.sorted = await page.$eval('table[aria-label="Programs"] th >> nth=0', (one) => one.getAttribute('aria-sort'));
    seen.programs = await rows(page, 'Programs');
    await page.focus('table[aria-label="Programs"] tbody tr >> nth=0');
    await page.keyboard.press('Enter');
    seen.belowAfterChoice = await below(page);
    seen.chosen = await page.$eval('table[aria-label="Programs"] tbody tr >> nth=0', (one) => one.getAttribute('aria-selected'));
    await page.focus('.frame >> nth=2');
    seen.frame = await page.$eval('.frame >> nth=2', (one) => one.innerText);
    await page.keyboard.press('Enter');
    seen.topAfterEnter = await page.$eval('.frame >> nth=0', (one) => one.innerText);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    seen.topAfterEscape = await page.$eval('.frame >> nth=0', (one) => one.innerText);
    return seen;
  },
  async filter(page) {
    await page.fill('input[aria-label="filter Culprits"]', 'program_3');
    return {culprits: await rows(page, 'Culprits')};
  },
  async phone(page) {
    return {scroll: await page.evaluate(() => document.documentElement.scrollWidth), width: 390};
  },
  async dark(page) {
    return page.evaluate(() => ({background: getComputedStyle(document.body).backgroundColor,
      text: getComputedStyle(document.body).color}));
  },
};

const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox']});
try {
  const all = {};
  for (const name of names.split(',')) {
    const page = await browser.newPage({
      viewport: name === 'phone' ? {width: 390, height: 844} : {width: 1280, height: 900},
      colorScheme: name === 'dark' ? 'dark' : 'light', offline: true});
    const problems = [];
    page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (request) => { if (!request.url().startsWith('file://')) problems.push(request.url()); });
    page.setDefaultTimeout(20_000);
    await page.goto(`file://${file}`);
    await page.waitForSelector('main');
    const seen = await scenarios[name](page);
    seen.first_paint_ms = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
    seen.problems = problems;
    if (prefix) await page.screenshot({path: `${prefix}${name}.png`, fullPage: true});
    await page.close();
    all[name] = seen;
  }
  console.log(JSON.stringify(all));
} finally {
  await browser.close();
}
