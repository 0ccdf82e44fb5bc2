#!/usr/bin/python3
"""`top` in a real terminal (tmux, 80x24): what it shows, what its keys do, and how it leaves the terminal."""

import os
import re
import shlex
import time

from tests.integration import frame
from tests.integration import harness
from tests.integration import lab as L

TMUX = '/usr/bin/tmux'
COLUMNS, ROWS = 80, 24


class Terminal:
  """A shell in a terminal."""

  def __init__(self, test, folder):
    self.socket = folder / 'tmux'
    self.environment = dict(os.environ, LANG='C.UTF-8', LC_ALL='C.UTF-8', TERM='xterm-256color', SHELL='/bin/sh')
    test.addCleanup(lambda: self.tmux('kill-server', check=False))
    self.tmux('-f', '/dev/null', 'new-session', '-d', '-x', COLUMNS, '-y', ROWS, '/bin/sh')
    self.tmux('set-option', '-g', 'escape-time', '10')

  def tmux(self, *args, check=True):
    return harness.run([TMUX, '-S', self.socket, *args], check=check, env=self.environment).stdout

  def keys(self, *keys):
    self.tmux('send-keys', *keys)

  def type(self, text):
    self.tmux('send-keys', '-l', text)

  def resize(self, columns, rows):
    self.tmux('resize-window', '-x', columns, '-y', rows)

  def screen(self):
    return self.tmux('capture-pane', '-p')

  def wait_for(self, pattern):
    screen = ''

    def shown():
      nonlocal screen
      screen = self.screen()
      return re.search(pattern, screen)
    try:
      harness.wait_for(shown, pattern)
    except AssertionError as error:
      raise AssertionError(f'{error}:\n{screen}') from None
    return screen


class Top(harness.HostTest):

  def setUp(self):
    super().setUp()
    self.lab = L.Lab()
    self.addCleanup(self.lab.close)
    self.device = f'far{L.XDP_NATIVE}'
    self.program = self.lab.attach_xdp(self.lab.far, self.device, 'native', self.lab.load() / 'lab_xdp')
    self.terminal = Terminal(self, self.folder)

  def start(self, *options):
    # What others on the host drop is not looked at.
    command = [harness.CORRELATE, 'top', '--filter', f'netns == {self.lab.far.inode} && reason != NOT_SPECIFIED', *options]
    self.terminal.type(' '.join(shlex.quote(str(word)) for word in command) + '; echo "exit status $?"')
    self.terminal.keys('Enter')
    self.terminal.wait_for('nothing was dropped or broken so far')

  def send(self, link, port, times):
    for _ in range(times):
      self.lab.send(link, frame.udp(self.lab.ends(link), 4001, port, b'payload'))

  def rows(self, screen):
    """Lines of the table."""
    lines = screen.splitlines()
    title = next(number for number, line in enumerate(lines) if 'EVENTS' in line)
    return [line for line in lines[title + 1:] if re.match(r' *[0-9.,]+ +[0-9,]+  ', line)]

  def quit(self):
    self.terminal.keys('q')
    self.terminal.wait_for('exit status 0')

  def test_a_table_its_keys_and_a_rows_code(self):
    self.start()
    self.send(L.XDP_NATIVE, L.PORT_ABORT, 40)
    self.send(L.PLAIN, L.PORT_CLOSED, 90)
    screen = self.terminal.wait_for(r'\b90  none')
    self.assertTrue(all(len(line) <= COLUMNS for line in screen.splitlines()), screen)
    self.assertIn('0 lost or missed; ', screen)
    self.assertEqual(len(screen.rstrip('\n').splitlines()), ROWS)
    first, second = self.rows(screen)
    self.assertRegex(first, r'^ +[0-9.]+ +90  none +NO_SOCKET +far0')
    self.assertRegex(second, rf'^ +[0-9.]+ +40  l\S* #{self.program} +XDP_ABORTED +{self.device}.* event$')
    # Down to the exception: its stack and its code.
    self.terminal.keys('Down', 'Enter')
    screen = self.terminal.wait_for('THE LAST ONE')
    self.assertRegex(screen, r'event      xdp:xdp_exception')
    self.assertRegex(screen, r'evidence   event')
    self.assertRegex(screen, rf'program    lab_xdp #{self.program}, tag [0-9a-f]{{16}}')
    self.assertRegex(screen, r'STACK')
    self.terminal.keys('End')
    self.terminal.wait_for('exit')
    pages = ''
    self.terminal.keys('Home')
    for _ in range(20):
      pages += self.terminal.screen()
      self.terminal.keys('NPage')
      time.sleep(0.1)
    self.assertIn(f'CODE of program {self.program}', pages)
    self.assertRegex(pages, r'lab\.bpf\.c')
    self.terminal.keys('Escape')
    self.terminal.wait_for('sorted by rate')
    # Sorted, and the other way round; the chosen row stays the chosen one.
    self.terminal.keys('s')
    screen = self.terminal.wait_for('sorted by events')
    self.assertIn('NO_SOCKET', self.rows(screen)[0])
    self.terminal.keys('r')
    screen = self.terminal.wait_for('the other way round')
    self.assertIn('XDP_ABORTED', self.rows(screen)[0])
    self.quit()

  def test_pause_and_filter(self):
    self.start()
    self.send(L.PLAIN, L.PORT_CLOSED, 10)
    self.terminal.wait_for(r'\b10  none')
    self.terminal.keys('p')
    self.terminal.wait_for('PAUSED')
    self.send(L.PLAIN, L.PORT_CLOSED, 10)
    time.sleep(2.5)
    self.assertRegex(self.terminal.screen(), r'\b10  none')
    self.terminal.keys('p')
    self.terminal.wait_for(r'\b20  none')
    self.terminal.keys('/')
    self.terminal.wait_for(r'filter \(Enter, Esc\): ')
    for _ in range(70):
      self.terminal.keys('BSpace')
    self.terminal.type('program == ')
    self.terminal.keys('Enter')
    self.terminal.wait_for(r'(?i)expected|wanted|value')  # what is wrong with it, and it can go on
    self.terminal.type(str(self.program))
    self.terminal.keys('Enter')
    self.terminal.wait_for(f'filter: program == {self.program}')
    self.send(L.PLAIN, L.PORT_CLOSED, 10)
    self.send(L.XDP_NATIVE, L.PORT_UNKNOWN_ACTION, 7)
    screen = self.terminal.wait_for(r'\b7  l\S* #')
    self.assertNotIn('NO_SOCKET', screen)
    self.terminal.keys('h')
    self.terminal.wait_for('HELP')
    self.terminal.keys('Escape')
    self.quit()

  def test_other_sizes(self):
    self.start('--by', 'program,reason,device,evidence,location,netns,hook')
    self.send(L.XDP_NATIVE, L.PORT_ABORT, 5)
    for columns, rows in ((200, 50), (40, 10), (20, 5), (COLUMNS, ROWS)):
      self.terminal.resize(columns, rows)
      screen = self.terminal.wait_for('^bpftrace' if rows < 8 else r'\b5  ')
      self.assertTrue(all(len(line) <= columns for line in screen.splitlines()), screen)
    self.quit()

  def test_a_storm_stays_readable(self):
    self.start()
    self.terminal.keys('/')
    for _ in range(70):
      self.terminal.keys('BSpace')
    self.terminal.keys('Enter')
    storm = self.lab.storm(self.lab.load() / 'lab_storm', 2000)
    self.terminal.wait_for(r'[0-9]{2},[0-9]{3}  +[0-9,]+  l\S* #.* sampled')
    self.assertEqual(storm.wait(harness.PATIENCE_S), 0)
    self.terminal.wait_for(r'2,000,[0-9]{3} in all')
    self.quit()

  def test_without_a_terminal(self):
    done = harness.correlate('top', check=False, stdin=None)
    self.assertEqual(done.returncode, harness.EXIT_FAILURE)
    self.assertIn('--batch', done.stderr)
    batch = harness.start([harness.CORRELATE, 'top', '--batch', '--duration', '6', '--filter', f'netns == {self.lab.far.inode}'],
                          stdout=open(self.folder / 'out', 'w'))
    time.sleep(1.5)
    self.send(L.XDP_NATIVE, L.PORT_ABORT, 12)
    self.assertEqual(batch.wait(harness.PATIENCE_S), 0, batch.stderr_text())
    tables = (self.folder / 'out').read_text().split('bpftrace-correlate top')
    self.assertGreaterEqual(len(tables), 4)
    self.assertRegex(tables[-1], rf'12  lab_xdp #{self.program} +XDP_ABORTED')

  def test_interrupted(self):
    """The terminal is as it was before."""
    self.start()
    self.terminal.keys('C-c')
    self.terminal.wait_for('exit status 0')
    self.terminal.type('echo still here')
    self.terminal.keys('Enter')
    self.terminal.wait_for(r'(?m)^still here$')


if __name__ == '__main__':
  harness.main()
