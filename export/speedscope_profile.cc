#include "export/speedscope_profile.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/numbered.h"
#include "export/profile_export.h"
#include "render/text.h"

namespace correlate {
namespace {

class SpeedscopeProfile : public ProfileExport {
 public:
  explicit SpeedscopeProfile(std::ostream& out) : out_(out) {}

  // Written as it goes: a value for each frame of each stack would be a hundred times the trace.
  void Finish() override {
    const std::vector<StackProfile::Frame>& frames = profile().frames();
    first_end_ = frames.size();
    // What stands below the leaf: the reason and who is blamed.
    std::map<std::string, std::vector<const StackProfile::Sample*>> profiles;  // by event
    for (const StackProfile::Sample& sample : profile().samples()) {
      profiles[profile().labels()[sample.labels].event].push_back(&sample);
    }
    out_ << R"({"$schema":"https://www.speedscope.app/file-format-schema.json","profiles":[)";
    const char* between = "";
    for (const auto& [event, samples] : profiles) {
      out_ << std::exchange(between, ",") << R"({"type":"sampled","name":)" << Json(event).dump()
           << R"(,"unit":"none","startValue":0,"samples":[)";
      uint64_t events = 0;
      for (const StackProfile::Sample* sample : samples) {
        WriteStack(*sample, events == 0 ? "[" : ",[");
        events += sample->events;
      }
      out_ << R"(],"weights":[)";
      for (size_t i = 0; i < samples.size(); ++i) {
        out_ << (i == 0 ? "" : ",") << samples[i]->events;
      }
      out_ << R"(],"endValue":)" << events << "}";
    }
    out_ << R"(],"shared":{"frames":[)";
    for (size_t i = 0; i < frames.size(); ++i) {
      Json json = {{"name", frames[i].name}};
      if (!frames[i].file.empty()) json["file"] = frames[i].file;
      if (frames[i].line != 0) json["line"] = frames[i].line;
      out_ << (i == 0 ? "" : ",") << json.dump();
    }
    for (size_t i = 0; i < ends_.values().size(); ++i) {
      out_ << (frames.empty() && i == 0 ? "" : ",") << Json({{"name", ends_.values()[i]}}).dump();
    }
    out_ << R"(]},"name":)" << Json(ValidUtf8(profile().view().host())).dump()
         << R"(,"exporter":"bpftrace-correlate"})"
         << "\n";
  }

 private:
  void WriteStack(const StackProfile::Sample& sample, const char* begin) {
    const StackProfile::Labels& labels = profile().labels()[sample.labels];
    const std::vector<uint32_t>& frames = profile().FramesOf(sample.stack);
    out_ << begin;
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) out_ << *frame << ",";
    if (sample.stack == StackProfile::kNoStack) out_ << EndOf("[no callchain taken]") << ",";
    out_ << EndOf(labels.reason);
    if (labels.program != "none" && labels.program != "unknown") {
      out_ << "," << EndOf(absl::StrCat("[", labels.evidence, ": ", labels.program, "]"));
    }
    out_ << "]";
  }
  size_t EndOf(const std::string& text) { return first_end_ + ends_.Of(text); }

  std::ostream& out_;
  size_t first_end_ = 0;  // frames with these numbers and above are ends
  Numbered<std::string> ends_;
};

}  // namespace

std::unique_ptr<SummaryExport> MakeSpeedscopeProfile(const ExportOptions&, std::ostream& out) {
  return std::make_unique<SpeedscopeProfile>(out);
}

}  // namespace correlate
