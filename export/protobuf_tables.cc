#include "export/protobuf_tables.h"

#include <map>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "collector/program_symbol.h"
#include "export/row_writer.h"
#include "export/rows.pb.h"
#include "export/stack_number.h"
#include "render/wording.h"
#include "report/kind_running_total.h"

namespace correlate {
namespace {

class Table : public SummaryExport {
 public:
  explicit Table(std::ostream& out) : writer_(out) {}
  void OnRecording(const RecordingFacts& facts) override {
    EndRecording();
    writer_.OnRecording(facts);
  }
  void OnClocks(const ClockReading& clocks) override { writer_.OnClocks(clocks); }
  void OnNetns(const Netns& netns) override { writer_.OnNetns(netns); }
  bool WantsMore() const override { return writer_.WantsMore(); }
  void Finish() override { EndRecording(); }

 protected:
  // Writes what was told, and forgets it.
  virtual void EndRecording() {}
  RowWriter& writer() { return writer_; }

 private:
  RowWriter writer_;
};

class KindRows : public Table {
 public:
  explicit KindRows(std::ostream& out) : Table(out) {}

  void OnClocks(const ClockReading& clocks) override {
    Table::OnClocks(clocks);
    if (step_ns_ == 0) step_ns_ = clocks.monotonic_ns;
  }
  void OnDevice(const Device& device) override {
    names_[{device.netns, device.ifindex}] = device.ifname;
  }
  void OnKindCount(const KindCount& named) override {
    constexpr uint64_t kStepNs = 10'000'000'000;
    if (step_ns_ == 0) step_ns_ = named.time_ns;
    // Readings at the step's very end belong to it.
    if (named.time_ns > step_ns_ + kStepNs + kStepNs / 20) EndStep();
    last_ns_ = named.time_ns;
    const EventKind& kind = named.count.kind;
    const std::string event = named.format->FullName();
    Total& total = totals_[{event, named.count.other, kind}];
    if (total.row.event().empty()) {
      writer().SetHost(&total.row);
      total.row.set_event(ValidUtf8(event));
      total.row.set_other(named.count.other);
      if (named.location != nullptr && !named.location->symbol.empty())
        total.row.set_location(ValidUtf8(SymbolText(*named.location)));
      total.row.set_reason(kind.reason);
      total.row.set_reason_name(ValidUtf8(KindReasonText(named)));
      total.row.set_netns(kind.netns.inode);
      total.row.set_ifindex(static_cast<uint32_t>(kind.ifindex));
      total.row.set_program_id(static_cast<uint32_t>(kind.program_id));
    }
    total.counted.Set(named.count);
  }

 protected:
  void EndRecording() override {
    EndStep();
    totals_.clear();
    step_ns_ = 0;
  }

 private:
  struct Total {
    rows::Kind row;
    KindRunningTotal counted;
    uint64_t told = 0;
  };
  void EndStep() {
    for (auto& [key, total] : totals_) {
      const uint64_t counted = total.counted.total();
      if (counted <= total.told) continue;
      const EventKind& kind = std::get<EventKind>(key);
      total.row.set_time_ns(writer().Realtime(step_ns_));
      total.row.set_seconds(static_cast<double>(last_ns_ - step_ns_) / 1e9);
      total.row.set_count(counted - total.told);
      total.row.set_netns_name(writer().NetnsName(kind.netns));
      const auto name = names_.find({kind.netns, static_cast<uint32_t>(kind.ifindex)});
      total.row.set_ifname(name == names_.end() ? "" : ValidUtf8(name->second));
      writer().Write(total.row);
      total.told = counted;
    }
    absl::erase_if(totals_, [](const auto& entry) { return entry.second.counted.begins_anew(); });
    step_ns_ = last_ns_;
  }

  uint64_t step_ns_ = 0;
  uint64_t last_ns_ = 0;
  absl::flat_hash_map<std::tuple<std::string, bool, EventKind>, Total> totals_;
  std::map<std::pair<NetnsId, uint32_t>, std::string> names_;
};

class ProgramRows : public Table {
 public:
  explicit ProgramRows(std::ostream& out) : Table(out) {}
  void OnProgram(const ProgramInfo& program) override {
    programs_[{program.id, program.load_time_ns}] = program;
  }

 protected:
  void EndRecording() override {
    for (const auto& [identity, program] : programs_) {
      rows::Program row;
      writer().SetHost(&row);
      row.set_program_id(program.id);
      row.set_name(ValidUtf8(program.name));
      if (program.tag != BpfTag{}) row.set_tag(TagToHex(program.tag));
      row.set_type(ValidUtf8(program.type_name));
      row.set_loaded_ns(writer().Realtime(program.load_time_ns));
      row.set_unloaded_ns(writer().Realtime(program.unload_time_ns));
      row.set_uid(program.uid);
      row.set_loader_pid(program.loader_pid);
      row.set_loader_comm(ValidUtf8(program.loader_comm));
      row.set_loader_cgroup(ValidUtf8(program.loader_cgroup));
      for (const ProgramFunction& function : program.functions) {
        row.add_functions(ValidUtf8(function.name));
      }
      for (const std::string& pin : program.pins) row.add_pins(ValidUtf8(pin));
      row.set_ours(program.ours);
      writer().Write(row);
    }
    programs_.clear();
  }

 private:
  std::map<std::pair<uint32_t, uint64_t>, ProgramInfo> programs_;
};

class StackRows : public Table {
 public:
  explicit StackRows(std::ostream& out) : Table(out) {}
  void OnEvent(const CorrelatedEvent& event) override {
    if (event.stack == nullptr || !ids_.insert(event.stack->id).second) return;
    constexpr size_t kMostRemembered = 4096;
    if (ids_.size() >= kMostRemembered) ids_.clear();
    const uint64_t number = StackNumber(*event.stack);
    if (!told_.insert(number).second) return;
    rows::Stack row;
    row.set_stack(number);
    for (const Frame* frame : event.stack->frames) {
      row.add_symbols(ValidUtf8(frame->symbol));
      row.add_kinds(std::string(FrameKindName(frame->kind)));
      row.add_files(ValidUtf8(frame->file));
      row.add_lines(frame->line);
    }
    writer().Write(row);
  }

 private:
  absl::flat_hash_set<uint64_t> ids_;
  absl::flat_hash_set<uint64_t> told_;
};

class AttachmentRows : public Table {
 public:
  explicit AttachmentRows(std::ostream& out) : Table(out) {}
  void OnAttachment(const Attachment& attachment) override {
    if (attachment.IsObstacle()) return;
    // A later one of the same place and beginning tells more.
    attachments_[absl::StrCat(attachment.from_ns, " ", attachment.program_id, " ",
                              DescribeAttachment(attachment))] = attachment;
  }

 protected:
  void EndRecording() override {
    for (const auto& [key, attachment] : attachments_) {
      rows::Attachment row;
      writer().SetHost(&row);
      row.set_program_id(attachment.program_id);
      row.set_hook(ValidUtf8(attachment.hook));
      row.set_direction(ValidUtf8(attachment.direction));
      row.set_mode(ValidUtf8(attachment.mode));
      row.set_netns(attachment.netns.inode);
      row.set_netns_name(ValidUtf8(attachment.netns_name));
      row.set_ifindex(attachment.ifindex);
      row.set_ifname(ValidUtf8(attachment.ifname));
      row.set_chain(attachment.chain);
      row.set_pref(attachment.pref);
      row.set_handle(attachment.handle);
      row.set_link_id(attachment.link_id);
      row.set_attach_type(ValidUtf8(attachment.attach_type));
      row.set_cgroup(ValidUtf8(attachment.cgroup));
      row.set_position(attachment.position);
      row.set_positions(attachment.positions);
      row.set_seen_from_ns(writer().Realtime(attachment.from_ns));
      row.set_seen_to_ns(writer().Realtime(attachment.to_ns));
      row.set_description(DescribeAttachment(attachment));
      writer().Write(row);
    }
    attachments_.clear();
  }

 private:
  std::map<std::string, Attachment> attachments_;
};

class CountRows : public Table {
 public:
  explicit CountRows(std::ostream& out) : Table(out) {}
  void OnFormat(const EventFormat& format) override { names_[format.id] = format.FullName(); }
  void OnCounts(const EventCounts& counts) override {
    counts_[{counts.format_id, counts.cpu}] = counts;
  }

 protected:
  void EndRecording() override {
    for (const auto& [key, counts] : counts_) {
      rows::Count row;
      writer().SetHost(&row);
      row.set_event(ValidUtf8(names_[counts.format_id]));
      row.set_cpu(counts.cpu);
      row.set_counted(counts.counted);
      row.set_written(counts.written);
      row.set_only_counted(counts.only_counted);
      row.set_lost(counts.lost);
      row.set_missed(counts.missed);
      row.set_filtered(counts.filtered);
      writer().Write(row);
    }
    counts_.clear();
    names_.clear();
  }

 private:
  std::map<uint32_t, std::string> names_;
  std::map<std::pair<uint32_t, uint32_t>, EventCounts> counts_;
};

}  // namespace

std::vector<std::string> ProtobufTables() {
  return {"events", "kinds", "programs", "stacks", "attachments", "counts"};
}

std::unique_ptr<SummaryExport> MakeProtobufTable(const ExportOptions& options, std::ostream& out) {
  if (options.table == "kinds") return std::make_unique<KindRows>(out);
  if (options.table == "programs") return std::make_unique<ProgramRows>(out);
  if (options.table == "stacks") return std::make_unique<StackRows>(out);
  if (options.table == "attachments") return std::make_unique<AttachmentRows>(out);
  return std::make_unique<CountRows>(out);
}

}  // namespace correlate
