#include "export/folded_stacks.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/numbered.h"
#include "export/profile_export.h"

namespace correlate {
namespace {

class FoldedStacks : public ProfileExport {
 public:
  explicit FoldedStacks(std::ostream& out) : out_(out) {}

  // Stacks that differ in lines or files alone are one here, as are samples with other labels: a
  // tree of names puts them together.
  void Finish() override {
    for (const StackProfile::Sample& sample : profile().samples()) {
      const StackProfile::Labels& labels = profile().labels()[sample.labels];
      uint32_t node = Under(0, labels.event);
      const std::vector<uint32_t>& frames = profile().FramesOf(sample.stack);
      for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
        node = Under(node, profile().frames()[*frame].name);
      }
      if (sample.stack == StackProfile::kNoStack) node = Under(node, "[no callchain taken]");
      nodes_[Under(node, labels.reason)].events += sample.events;
    }
    for (const Node& node : nodes_) {
      if (node.events == 0) continue;
      path_.clear();
      for (const Node* at = &node; at != &nodes_[0]; at = &nodes_[at->caller]) {
        path_.push_back(at->name);
      }
      std::string line;
      for (auto name = path_.rbegin(); name != path_.rend(); ++name) {
        if (!line.empty()) line += ';';
        AppendName(names_.values()[*name], &line);
      }
      out_ << line << " " << node.events << "\n";
    }
  }

 private:
  struct Node {
    uint32_t caller = 0;
    uint32_t name = 0;
    uint64_t events = 0;  // that end here
  };
  uint32_t Under(uint32_t caller, const std::string& name) {
    const uint32_t number = names_.Of(name);
    const auto [node, is_new] =
        numbers_.try_emplace(std::pair(caller, number), static_cast<uint32_t>(nodes_.size()));
    if (is_new) nodes_.push_back({.caller = caller, .name = number});
    return node->second;
  }
  // Semicolons part frames and the last blank the count.
  static void AppendName(absl::string_view name, std::string* line) {
    for (const char c : name) {
      const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      *line += c == ';' ? ':' : control ? '?' : c;
    }
  }

  std::ostream& out_;
  Numbered<std::string> names_;
  std::vector<Node> nodes_ = {{}};
  absl::flat_hash_map<std::pair<uint32_t, uint32_t>, uint32_t> numbers_;  // by caller and name
  std::vector<uint32_t> path_;
};

}  // namespace

std::unique_ptr<SummaryExport> MakeFoldedStacks(const ExportOptions&, std::ostream& out) {
  return std::make_unique<FoldedStacks>(out);
}

}  // namespace correlate
