"""What `llvm-cov export` says of each file, as tools/coverage prints it."""

import argparse
import collections
import json
import sys

FOLDERS = ('collector', 'symbolize', 'proto')
OTHER_FOLDERS = ('alert', 'base', 'cli', 'disassembly', 'export', 'query', 'render', 'report')


def path_of(filename, folders):
  """In the tree; None for what is not of it: tests, headers of the system, what is generated."""
  path = filename.split('/execroot/')[-1].split('/', 1)[-1] if '/execroot/' in filename else filename.removeprefix('/proc/self/cwd/')
  if path.split('/')[0] not in folders or '_test.' in path or '/test_' in path or '/' in path.split('/', 1)[1]:
    return None
  return None if '.pb.' in path or '.skel.' in path or '_benchmark' in path else path


def uncovered_lines(segments):
  """Lines where a region begins that never ran. A segment: line, column, count, has a count, begins a region, is a gap."""
  return sorted({line for line, _, count, counted, begins, gap in segments if counted and begins and not gap and count == 0})


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument('--markdown', action='store_true')
  parser.add_argument('--uncovered')
  parser.add_argument('--all-folders', action='store_true')
  parser.add_argument('export')
  args = parser.parse_args()
  folders = FOLDERS + OTHER_FOLDERS if args.all_folders else FOLDERS
  with open(args.export, encoding='utf-8') as export:
    files = json.load(export)['data'][0]['files']
  sums = collections.defaultdict(collections.Counter)
  rows, uncovered = [], []
  for file in files:
    path = path_of(file['filename'], folders)
    if path is None:
      continue
    counts = {f'{kind} {what}': file['summary'][kind][what] for kind in ('lines', 'branches') for what in ('count', 'covered')}
    rows.append((path, counts))
    sums[path.split('/')[0] + '/'].update(counts)
    sums['all'].update(counts)
    uncovered += [f'{path}:{line}' for line in uncovered_lines(file['segments'])]
  layout = '| {} | {} | {} | {} | {} |' if args.markdown else '{:44} {:>8} {:>8} {:>8} {:>8}'

  def show(name, counts):
    def share(kind):
      return f'{100 * counts[f"{kind} covered"] / counts[f"{kind} count"]:.1f} %' if counts[f'{kind} count'] else ''
    print(layout.format(name, counts['lines count'], share('lines'), counts['branches count'], share('branches')))
  print(layout.format('', 'lines', 'run', 'branches', 'taken'))
  if args.markdown:
    print('| --- | ---: | ---: | ---: | ---: |')
  for name in (*(f'{folder}/' for folder in folders if f'{folder}/' in sums), 'all'):
    show(name, sums[name])
  for path, counts in sorted(rows):
    show(path, counts)
  if args.uncovered:
    with open(args.uncovered, 'w', encoding='utf-8') as out:
      out.writelines(f'{line}\n' for line in uncovered)
  return 0 if rows else 1


if __name__ == '__main__':
  sys.exit(main())
