#include "report/report_text.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "render/text.h"
#include "render/units.h"
#include "render/wording.h"

namespace correlate {
namespace {

using Align = TextTable::Align;

std::string Rate(uint64_t events, double seconds) {
  if (seconds <= 0) return "";
  const double rate = static_cast<double>(events) / seconds;
  if (rate >= 1e6) return absl::StrFormat("%.1fM", rate / 1e6);
  if (rate >= 1e3) return absl::StrFormat("%.1fk", rate / 1e3);
  return rate >= 10 ? absl::StrFormat("%.0f", rate) : absl::StrFormat("%.1f", rate);
}

std::string Plural(uint64_t count, absl::string_view one) {
  return absl::StrCat(FormatCount(count), " ", one, count == 1 ? "" : "s");
}

// "19:31:02.123" of the wall clock in UTC, else seconds as `script` prints them.
std::string TimeText(const ReportTables& tables, uint64_t time_ns) {
  if (const auto realtime = tables.clock().RealtimeNs(time_ns)) {
    return FormatRfc3339(*realtime).substr(11, 12);
  }
  return absl::StrFormat("%.3f", static_cast<double>(time_ns) / 1e9);
}

// As a shell takes it.
std::string Quoted(const std::string& word) {
  const bool plain =
      word.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:+=,@") ==
      std::string::npos;
  return plain && !word.empty() ? word : SingleQuoted(word);
}

// What a culprit's line says of when it began.
std::string Since(const ReportTables& tables, uint64_t first_ns) {
  return first_ns == 0 ? "" : TimeText(tables, first_ns);
}

std::string Share(uint64_t part, uint64_t all) {
  if (all == 0) return "0 %";
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(all);
  if (percent > 0 && percent < 1) return "less than 1 %";
  if (percent < 100 && percent > 99) return "more than 99 %";
  return absl::StrFormat("%.0f %%", percent);
}

// Loss, and how much was not written whole: before any figure that depends on it.
std::string Reservations(const ReportTables& tables) {
  std::string text = absl::StrCat(
      FormatCount(tables.lost()), " lost, ", FormatCount(tables.missed()), " missed; ",
      Plural(tables.drops(), "drop"), ", ", Plural(tables.xdp_exceptions(), "XDP exception"), "; ",
      Plural(tables.events(), "event"), " written whole",
      tables.only_counted() > 0
          ? absl::StrCat(", ", FormatCount(tables.only_counted()), " only counted")
          : "",
      "\n");
  if (!tables.facts().filters.empty()) {
    absl::StrAppend(&text, "only ", Printable(absl::StrJoin(tables.facts().filters, " ")), ": ",
                    Plural(tables.filtered(), "other event"), " filtered out in the kernel\n");
  }
  if (tables.lost() + tables.missed() > 0) {
    absl::StrAppend(&text, tables.counts_kinds()
                               ? "WARNING: of what was lost or missed no more than its kind is "
                                 "known.\n"
                               : "WARNING: what was lost or missed is in none of the figures "
                                 "below.\n");
  }
  if (tables.selection().everything()) return text;
  absl::StrAppend(&text, "SELECTED ", Printable(tables.selection().Describe()), ": ",
                  FormatCount(tables.selected()), " of ", Plural(tables.events(), "event"),
                  " written whole");
  if (tables.undecided() > 0) {
    absl::StrAppend(
        &text, "; ", Plural(tables.undecided(), "event"),
        " that were only counted do not tell whether they belong to it, and are in none "
        "of the figures below");
  }
  return text + "\n";
}

std::string Head(const ReportTables& tables, const std::string& name) {
  const RecordingFacts& facts = tables.facts();
  std::string text = Printable(name);
  if (tables.hosts().size() > 1) {
    absl::StrAppend(&text, ": ", tables.hosts().size(), " hosts, on the wall clock of the first");
  } else if (!facts.hostname.empty()) {
    absl::StrAppend(&text, ": ", Printable(facts.hostname), ", Linux ",
                    Printable(facts.kernel_release));
  }
  absl::StrAppend(&text, ", ", absl::StrFormat("%.1f s", tables.seconds()));
  if (const auto from = tables.clock().RealtimeNs(tables.span().from_ns)) {
    absl::StrAppend(&text, " from ", FormatUtcSeconds(*from));
  }
  if (facts.online_cpus > 0 && tables.hosts().size() <= 1)
    absl::StrAppend(&text, ", ", Plural(facts.online_cpus, "CPU"));
  if (!tables.complete()) {
    absl::StrAppend(&text,
                    "\nINCOMPLETE: the trace is damaged or cut short; what the missing part held, "
                    "losses too, is in none of the figures below");
  }
  return absl::StrCat(text, "\n", Reservations(tables), ReportAnswer(tables), "\n");
}

std::string Culprits(const ReportTables& tables) {
  TextTable table({Align::kLeft, Align::kLeft, Align::kRight, Align::kLeft, Align::kLeft,
                   Align::kRight, Align::kRight, Align::kLeft, Align::kLeft});
  table.AddRow({"CULPRIT", "", "", "WHERE", "WHY", "PACKETS", "/s", "EVIDENCE", "SINCE"});
  const auto groups = tables.Culprits();
  for (const CulpritGroup* group : groups) {
    const std::string why = Printable(ReportWhy(*group));
    // A line for each that it may have been, the figures on the first one alone.
    const size_t possible = group->programs.size();
    for (size_t i = 0; i < possible; ++i) {
      const BlamedProgram& program = group->programs[i];
      std::string where = ReportWhere(tables, *group, program);
      if (possible > 1) absl::StrAppend(&where, " (", i + 1, " of ", possible, " possible)");
      const std::string name = program.name.empty() ? "?" : Printable(program.name);
      const bool first = i == 0;
      if (tables.hosts().size() > 1) absl::StrAppend(&where, " of ", Printable(group->host));
      table.AddRow({first ? name : absl::StrCat("or ", name), DescribeSource(program),
                    absl::StrCat("#", program.id), where, first ? why : "",
                    first ? FormatCount(group->events) : "",
                    first ? Rate(group->events, tables.seconds()) : "",
                    first ? std::string(EvidenceName(group->evidence)) : "",
                    first ? Since(tables, group->first_ns) : ""});
    }
  }
  return groups.empty() ? "No BPF program is known to have dropped or broken a packet.\n"
                        : table.Render();
}

std::string WithoutProgram(const ReportTables& tables) {
  const auto groups = tables.WithoutProgram();
  if (groups.empty()) return "";
  TextTable table(
      {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kLeft, Align::kLeft});
  table.AddRow({"NO BPF PROGRAM", "REASON", "PACKETS", "/s", "SINCE", "WHY"});
  for (const NoProgramGroup* group : groups) {
    table.AddRow({group->location.empty() ? Printable(group->event) : Printable(group->location),
                  group->reason.empty() ? "unknown" : Printable(group->reason),
                  FormatCount(group->events), Rate(group->events, tables.seconds()),
                  Since(tables, group->first_ns), Printable(group->why)});
  }
  return absl::StrCat("\n", table.Render());
}

// What followed XDP programs returned, of every packet: a native XDP_DROP need not raise an event.
std::string XdpActions(const ReportTables& tables) {
  if (tables.xdp_actions().empty()) return "";
  TextTable table({Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kRight,
                   Align::kRight, Align::kRight, Align::kRight});
  table.AddRow({"XDP VERDICTS", "", "DROP", "ABORTED", "UNKNOWN", "TX", "REDIRECT", "PASS"});
  for (const auto& [id, counts] : tables.xdp_actions()) {
    const std::string name = tables.host().ProgramName(id);
    table.AddRow({name.empty() ? "?" : Printable(name), absl::StrCat("#", id),
                  FormatCount(counts.drop), FormatCount(counts.aborted),
                  FormatCount(counts.unknown), FormatCount(counts.tx), FormatCount(counts.redirect),
                  FormatCount(counts.pass)});
  }
  return absl::StrCat("\n", table.Render());
}

// Under the table: for reasons that point to a hook, what was attached there. No blame, a place to
// look.
std::string Suspects(const ReportTables& tables) {
  constexpr size_t kMostLines = 10;
  std::set<std::string> reasons;
  for (const NoProgramGroup* group : tables.WithoutProgram()) reasons.insert(group->reason);
  std::string text;
  for (const std::string& reason : reasons) {
    const auto suspects = tables.SuspectsOf(reason);
    if (suspects.empty()) continue;
    absl::StrAppend(&text, "\n", Printable(reason), " may come from one of these, attached during ",
                    "the recording; no event says which, so none is blamed:\n");
    for (size_t i = 0; i < std::min(suspects.size(), kMostLines); ++i) {
      absl::StrAppend(&text, "  ", Printable(suspects[i].program), " #",
                      suspects[i].attachment.program_id, ", ",
                      DescribeAttachment(suspects[i].attachment), "\n");
    }
    if (suspects.size() > kMostLines) {
      absl::StrAppend(&text, "  and ", suspects.size() - kMostLines, " more\n");
    }
  }
  return text;
}

std::string GroupedCounts(const ReportTables& tables) {
  const std::vector<EventKey>& keys = tables.groups().keys();
  std::vector<Align> columns(keys.size(), Align::kLeft);
  columns.insert(columns.end(), {Align::kRight, Align::kRight});
  TextTable table(columns);
  std::vector<std::string> head;
  head.reserve(keys.size() + 2);
  for (const EventKey& key : keys) head.push_back(absl::AsciiStrToUpper(key.name));
  head.insert(head.end(), {"EVENTS", "/s"});
  table.AddRow(head);
  for (const EventGroups::Group& group : tables.groups().MostFirst()) {
    std::vector<std::string> row;
    for (const std::string& value : group.values) row.push_back(Printable(value));
    row.push_back(FormatCount(group.events));
    row.push_back(Rate(group.events, tables.seconds()));
    table.AddRow(row);
  }
  return table.Render();
}

constexpr size_t kTimelineColumns = 60;

using ChangeList = std::vector<HostChanges::Change>;

std::string OverTime(const ReportTables& tables, const ChangeList& changes) {
  const uint64_t from_ns = tables.span().from_ns;
  const uint64_t to_ns = tables.span().to_ns;
  if (to_ns <= from_ns) return "";
  const double column_s = tables.seconds() / kTimelineColumns;
  size_t drawn = 0;
  TextTable table({Align::kLeft, Align::kLeft, Align::kLeft});
  const auto add = [&](const char* name, const Timeline& timeline) {
    if (timeline.empty()) return;
    const std::vector<double> columns = timeline.Columns(from_ns, to_ns, kTimelineColumns);
    const auto peak = std::max_element(columns.begin(), columns.end());
    if (*peak <= 0) return;
    ++drawn;
    const auto place = static_cast<uint64_t>(peak - columns.begin());
    table.AddRow(
        {name, absl::StrCat("|", Sparkline(columns), "|"),
         absl::StrCat("at most ", Rate(static_cast<uint64_t>(std::ceil(*peak)), column_s), "/s at ",
                      TimeText(tables, from_ns + (to_ns - from_ns) / kTimelineColumns * place))});
  };
  table.AddRow({"OVER TIME", "", ""});
  add("drops", tables.drops_over_time());
  add("XDP exceptions", tables.exceptions_over_time());
  std::string marks(kTimelineColumns, ' ');
  for (const HostChanges::Change& change : changes) {
    const double share =
        static_cast<double>(change.time_ns - from_ns) / static_cast<double>(to_ns - from_ns);
    marks[std::min(static_cast<size_t>(share * kTimelineColumns), kTimelineColumns - 1)] = '^';
  }
  if (drawn == 0 && changes.empty()) return "";
  if (!changes.empty()) {
    table.AddRow({"changes", absl::StrCat("|", marks, "|"), Plural(changes.size(), "change")});
  }
  return absl::StrCat("\n", table.Render());
}

// Programs loaded and attached meanwhile: what changed right before it began.
std::string Changes(const ReportTables& tables, const ChangeList& changes) {
  constexpr size_t kMostLines = 10;
  if (changes.empty()) return "";
  TextTable table({Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kLeft});
  for (size_t i = 0; i < std::min(changes.size(), kMostLines); ++i) {
    const HostChanges::Change& change = changes[i];
    table.AddRow({TimeText(tables, change.time_ns), change.what,
                  change.program.empty() ? "?" : Printable(change.program),
                  absl::StrCat("#", change.program_id), change.where});
  }
  return absl::StrCat("\nCHANGES\n", table.Render(),
                      changes.size() > kMostLines
                          ? absl::StrCat("and ", changes.size() - kMostLines, " more\n")
                          : "");
}

// What to look at next.
std::string Next(const ReportTables& tables, const std::string& path) {
  if (path.empty() || path == "-") return "";
  std::vector<std::string> lines;
  const std::string trace = path == "bpftrace-correlate.pb" ? "" : absl::StrCat(" ", Quoted(path));
  const auto culprits = tables.Culprits();
  if (!culprits.empty()) {
    lines.push_back(absl::StrCat("annotate", trace, " --program ",
                                 culprits.front()->programs.front().id,
                                 "   # its code, and where in it these events stand"));
  }
  const auto without = tables.WithoutProgram();
  if (!without.empty() && !without.front()->reason.empty()) {
    lines.push_back(
        absl::StrCat("report", trace, " --by location,stack --filter ",
                     Quoted(absl::StrCat("reason == \"", without.front()->reason, "\"")),
                     "   # who freed them"));
  }
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, text.empty() ? "\nNext: " : "      ", "bpftrace-correlate ",
                    Printable(line), "\n");
  }
  return text;
}

}  // namespace

std::string ReportWhere(const ReportTables& tables, const CulpritGroup& group,
                        const BlamedProgram& program) {
  std::vector<Attachment> attachments = program.attachments;
  if (attachments.empty()) attachments = tables.host(group).AttachmentsOf(program.id);
  if (attachments.empty()) return "attachment unknown";
  std::string text = DescribeAttachment(attachments.front());
  if (attachments.size() > 1) absl::StrAppend(&text, " (or ", attachments.size() - 1, " more)");
  return text;
}

std::string ReportWhy(const CulpritGroup& group) {
  if (group.evidence != Evidence::kStack) return group.verdict;
  return absl::StrCat("freed inside", group.verdict.empty() ? "" : ", ", group.verdict);
}

std::string ReportAnswer(const ReportTables& tables) {
  const ReportTables::Shares shares = tables.shares();
  if (shares.all == 0) return "Nothing was dropped or broken.";
  const auto culprits = tables.Culprits();
  const auto worst = std::find_if(culprits.begin(), culprits.end(), [](const CulpritGroup* group) {
    return group->evidence != Evidence::kCandidates;
  });
  if (worst == culprits.end()) {
    return absl::StrCat("No BPF program is named for any of ", Plural(shares.all, "packet"), ".");
  }
  const BlamedProgram& program = (*worst)->programs.front();
  std::string text = absl::StrCat(Plural(shares.programs, "BPF program"), " dropped or broke ",
                                  FormatCount(shares.blamed), " of ", Plural(shares.all, "packet"),
                                  " (", Share(shares.blamed, shares.all), ")");
  if (shares.sampled > 0) {
    absl::StrAppend(&text, ", ", Share(shares.sampled, shares.all), " by samples of their kind");
  }
  absl::StrAppend(&text, shares.programs == 1 ? ": " : "; most by ",
                  program.name.empty() ? "?" : Printable(program.name), " #", program.id, ", ",
                  ReportWhere(tables, **worst, program));
  const std::string since = Since(tables, (*worst)->first_ns);
  if (!since.empty()) absl::StrAppend(&text, ", since ", since);
  return text + ".";
}

std::string RenderReport(const ReportTables& tables, const std::string& name,
                         const std::string& path) {
  const std::string head = Head(tables, name);
  if (!tables.groups().keys().empty()) return absl::StrCat(head, "\n", GroupedCounts(tables));
  const ChangeList changes = tables.Changes();
  return absl::StrCat(head, "\n", Culprits(tables), WithoutProgram(tables), Suspects(tables),
                      XdpActions(tables), OverTime(tables, changes), Changes(tables, changes),
                      Next(tables, path));
}

}  // namespace correlate
