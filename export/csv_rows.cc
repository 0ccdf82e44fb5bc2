#include "export/csv_rows.h"

#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "query/event_view.h"
#include "render/text.h"

namespace correlate {
namespace {

constexpr char kDefaultColumns[] =
    "time,time_ns,event,host,cpu,pid,tid,comm,context,reason,location,packet.ifindex,ifname,netns,"
    "packet.length,src,dst,l4,sport,dport,evidence,attribution.verdict,attribution.programs.id,"
    "attribution.programs.name,tag,function,line,hook,attachment,stack";

std::vector<EventKey> Columns(const ExportOptions& options) {
  return options.columns.empty() ? *ParseEventKeys(kDefaultColumns) : options.columns;
}

void AppendCell(absl::string_view text, std::string* line) {
  const std::string valid = ValidUtf8(text);
  if (valid.find_first_of("\",\r\n") == std::string::npos) {
    *line += valid;
    return;
  }
  *line += '"';
  *line += absl::StrReplaceAll(valid, {{"\"", "\"\""}});
  *line += '"';
}

class CsvRows : public EventView {
 public:
  CsvRows(std::vector<EventKey> columns, const Disclosure& disclosure, std::ostream& out)
      : columns_(std::move(columns)), out_(out) {
    if (!disclosure.addresses) HideAddresses();
  }

  void OnEvent(const CorrelatedEvent& event) override {
    EventView::OnEvent(event);
    line_.clear();
    for (const EventKey& column : columns_) {
      if (&column != &columns_.front()) line_ += ',';
      cell_.clear();
      Visit(column, [&](const EventValue& value) {
        if (!cell_.empty()) cell_ += ' ';
        AppendValue(value, &cell_);
      });
      AppendCell(cell_, &line_);
    }
    line_ += "\r\n";
    out_.write(line_.data(), static_cast<std::streamsize>(line_.size()));
  }
  bool WantsMore() const override { return out_.good(); }

 private:
  const std::vector<EventKey> columns_;
  std::ostream& out_;
  std::string cell_;
  std::string line_;
};

}  // namespace

void PrintCsvHead(const ExportOptions& options, std::ostream& out) {
  std::string line;
  for (const EventKey& column : Columns(options)) {
    if (!line.empty()) line += ',';
    AppendCell(column.name, &line);
  }
  out << line << "\r\n";
}

std::unique_ptr<TraceSink> MakeCsvRows(const ExportOptions& options, std::ostream& out) {
  return std::make_unique<CsvRows>(Columns(options), options.disclosure, out);
}

}  // namespace correlate
