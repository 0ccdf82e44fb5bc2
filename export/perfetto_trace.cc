#include "export/perfetto_trace.h"

#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "export/perfetto.pb.h"
#include "export/stack_number.h"
#include "query/event_view.h"
#include "render/text.h"
#include "report/host_tables.h"

namespace correlate {
namespace {

constexpr uint32_t kInstant = 3;
constexpr uint32_t kCounter = 4;
constexpr uint32_t kUnitCount = 2;
constexpr uint32_t kStateCleared = 1;  // TracePacket.SequenceFlags
constexpr uint32_t kNeedsState = 2;
constexpr uint32_t kSequence = 1;
// BuiltinClock
constexpr uint32_t kRealtime = 1;
constexpr uint32_t kMonotonic = 3;
constexpr uint32_t kBoottime = 6;

// A counter's value is written at most this often, and once more at the end.
constexpr uint64_t kCounterStepNs = 1'000'000;

class PerfettoTrace : public SummaryExport {
 public:
  explicit PerfettoTrace(std::ostream& out)
      : out_(out), labels_(*ParseEventKeys("reason,device,program,evidence")) {
    perfetto::TracePacket& packet = Begin(0);
    packet.set_first_packet_on_sequence(true);
    packet.set_sequence_flags(kStateCleared);
    perfetto::Mapping* mapping = packet.mutable_interned_data()->add_mappings();
    mapping->set_iid(kKernelMapping);
    mapping->add_path_string_ids(1);
    mapping = packet.mutable_interned_data()->add_mappings();
    mapping->set_iid(kBpfMapping);
    mapping->add_path_string_ids(2);
    AddString("[kernel]", 1, packet.mutable_interned_data()->add_mapping_paths());
    AddString("[bpf]", 2, packet.mutable_interned_data()->add_mapping_paths());
    Write();
    AddTrack(kCpus, 0, "CPUs", false);
    AddTrack(kPrograms, 0, "Packets by program", false);
    AddTrack(kDevices, 0, "Packets by device", false);
    AddTrack(kChanges, 0, "Loads and attachments", false);
  }

  void OnRecording(const RecordingFacts& facts) override { view_.OnRecording(facts); }
  void OnClocks(const ClockReading& clocks) override {
    view_.OnClocks(clocks);
    host_.OnClocks(clocks);
    perfetto::TracePacket& packet = Begin(clocks.monotonic_ns);
    perfetto::ClockSnapshot* snapshot = packet.mutable_clock_snapshot();
    snapshot->set_primary_trace_clock(kMonotonic);
    for (const auto& [id, time_ns] :
         {std::pair(kMonotonic, clocks.monotonic_ns), std::pair(kRealtime, clocks.realtime_ns),
          std::pair(kBoottime, clocks.boottime_ns)}) {
      perfetto::ClockSnapshot::Clock* clock = snapshot->add_clocks();
      clock->set_clock_id(id);
      clock->set_timestamp(time_ns);
    }
    Write();
  }
  void OnNetns(const Netns& netns) override { view_.OnNetns(netns); }
  void OnProgram(const ProgramInfo& program) override { host_.OnProgram(program); }
  void OnAttachment(const Attachment& attachment) override { host_.OnAttachment(attachment); }
  bool WantsMore() const override { return out_.good(); }

  void OnEvent(const CorrelatedEvent& event) override {
    view_.OnEvent(event);
    const uint64_t track = TrackOf(absl::StrCat("CPU ", event.cpu), kCpus, false);
    const std::vector<std::string>& labels = labels_.Of(view_);
    const bool blamed = event.attribution != nullptr && !event.attribution->programs.empty();
    const uint64_t device = CounterOf(labels[1], kDevices);
    const uint64_t program = blamed ? CounterOf(labels[2], kPrograms) : 0;

    perfetto::TracePacket& packet = Begin(event.time_ns);
    packet.set_sequence_flags(kNeedsState);
    perfetto::TrackEvent* instant = packet.mutable_track_event();
    instant->set_type(kInstant);
    instant->set_track_uuid(track);
    const std::string name = ValidUtf8(event.format->FullName());
    instant->add_category_iids(NameNumber(ValidUtf8(event.format->system), &categories_, [&] {
      return packet.mutable_interned_data()->add_event_categories();
    }));
    instant->set_name_iid(NameNumber(absl::StrCat(name, " ", ValidUtf8(labels[0])), &names_, [&] {
      return packet.mutable_interned_data()->add_event_names();
    }));
    static constexpr const char* kNames[] = {"reason", "device", "program", "evidence"};
    for (size_t i = 0; i < labels.size(); ++i) Annotate(kNames[i], labels[i], &packet);
    if (!event.comm.empty()) Annotate("comm", event.comm, &packet);
    if (event.packet != nullptr && event.packet->length_bytes > 0) {
      Annotation("length", &packet)->set_uint_value(event.packet->length_bytes);
    }
    if (event.stack != nullptr) instant->set_callstack_iid(CallstackNumber(*event.stack, &packet));
    Write();
    Count(device, event.time_ns);
    if (program != 0) Count(program, event.time_ns);
  }

  void Finish() override {
    for (auto& [track, counter] : counters_) WriteCounter(track, &counter);
    for (const HostChanges::Change& change : host_.changes().Changes()) {
      perfetto::TracePacket& packet = Begin(change.time_ns);
      packet.set_sequence_flags(kNeedsState);
      perfetto::TrackEvent* instant = packet.mutable_track_event();
      instant->set_type(kInstant);
      instant->set_track_uuid(kChanges);
      instant->set_name_iid(NameNumber(
          ValidUtf8(absl::StrCat(change.what, " ", change.program, " #", change.program_id)),
          &names_, [&] { return packet.mutable_interned_data()->add_event_names(); }));
      if (!change.where.empty()) Annotate("where", change.where, &packet);
      Write();
    }
  }

 private:
  static constexpr uint64_t kCpus = 1;
  static constexpr uint64_t kPrograms = 2;
  static constexpr uint64_t kDevices = 3;
  static constexpr uint64_t kChanges = 4;
  static constexpr uint64_t kKernelMapping = 1;
  static constexpr uint64_t kBpfMapping = 2;
  using Numbers = absl::flat_hash_map<std::string, uint64_t>;
  struct Counter {
    uint64_t value = 0;
    uint64_t time_ns = 0;     // of the last event
    uint64_t written_ns = 0;  // 0: never
  };

  perfetto::TracePacket& Begin(uint64_t time_ns) {
    trace_.Clear();
    perfetto::TracePacket& packet = *trace_.add_packet();
    packet.set_trusted_packet_sequence_id(kSequence);
    if (time_ns != 0) {
      packet.set_timestamp(time_ns);
      packet.set_timestamp_clock_id(kMonotonic);
    }
    return packet;
  }
  // A trace is its packets one behind the other.
  void Write() {
    trace_.SerializeToString(&bytes_);
    out_.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

  void AddTrack(uint64_t uuid, uint64_t parent, const std::string& name, bool counter) {
    perfetto::TrackDescriptor* track = Begin(0).mutable_track_descriptor();
    track->set_uuid(uuid);
    if (parent != 0) track->set_parent_uuid(parent);
    track->set_name(name);
    if (counter) track->mutable_counter()->set_unit(kUnitCount);
    Write();
  }
  uint64_t TrackOf(const std::string& name, uint64_t parent, bool counter) {
    const auto [track, is_new] =
        tracks_.try_emplace({parent, name}, 100 + static_cast<uint64_t>(tracks_.size()));
    if (is_new) AddTrack(track->second, parent, ValidUtf8(name), counter);
    return track->second;
  }
  uint64_t CounterOf(const std::string& name, uint64_t parent) {
    return TrackOf(name, parent, true);
  }
  void Count(uint64_t track, uint64_t time_ns) {
    Counter& counter = counters_[track];
    ++counter.value;
    counter.time_ns = time_ns;
    if (time_ns >= counter.written_ns + kCounterStepNs) WriteCounter(track, &counter);
  }
  void WriteCounter(uint64_t track, Counter* counter) {
    perfetto::TrackEvent* value = Begin(counter->time_ns).mutable_track_event();
    value->set_type(kCounter);
    value->set_track_uuid(track);
    value->set_counter_value(static_cast<int64_t>(counter->value));
    counter->written_ns = counter->time_ns;
    Write();
  }

  template <typename Add>
  static uint64_t NameNumber(const std::string& name, Numbers* numbers, const Add& add) {
    const auto [number, is_new] = numbers->try_emplace(name, numbers->size() + 1);
    if (is_new) {
      perfetto::InternedName* entry = add();
      entry->set_iid(number->second);
      entry->set_name(name);
    }
    return number->second;
  }
  static void AddString(absl::string_view text, uint64_t iid, perfetto::InternedString* entry) {
    entry->set_iid(iid);
    entry->set_str(std::string(text));
  }
  perfetto::DebugAnnotation* Annotation(const char* name, perfetto::TracePacket* packet) {
    perfetto::DebugAnnotation* annotation = packet->mutable_track_event()->add_debug_annotations();
    annotation->set_name_iid(NameNumber(name, &annotation_names_, [&] {
      return packet->mutable_interned_data()->add_debug_annotation_names();
    }));
    return annotation;
  }
  void Annotate(const char* name, absl::string_view value, perfetto::TracePacket* packet) {
    const std::string text = ValidUtf8(value);
    const auto [number, is_new] = values_.try_emplace(text, values_.size() + 1);
    if (is_new) {
      AddString(text, number->second,
                packet->mutable_interned_data()->add_debug_annotation_string_values());
    }
    Annotation(name, packet)->set_string_value_iid(number->second);
  }

  uint64_t FrameNumber(const Frame& frame, perfetto::TracePacket* packet) {
    std::string name;
    AppendFrameName(frame, &name);
    name = ValidUtf8(name);
    const bool bpf = frame.kind == FrameKind::kBpf || frame.kind == FrameKind::kBpfTrampoline ||
                     frame.kind == FrameKind::kBpfDispatcher;
    const auto [number, is_new] =
        frames_.try_emplace(absl::StrCat(bpf ? "b" : "k", name), frames_.size() + 1);
    if (is_new) {
      perfetto::InternedData* interned = packet->mutable_interned_data();
      AddString(name, number->second, interned->add_function_names());
      perfetto::Frame* entry = interned->add_frames();
      entry->set_iid(number->second);
      entry->set_function_name_id(number->second);
      entry->set_mapping_id(bpf ? kBpfMapping : kKernelMapping);
    }
    return number->second;
  }
  uint64_t CallstackNumber(const Stack& stack, perfetto::TracePacket* packet) {
    const auto [number, is_new] =
        callstacks_.try_emplace(StackNumber(stack), callstacks_.size() + 1);
    if (is_new) {
      std::vector<uint64_t> frames;
      for (auto frame = stack.frames.rbegin(); frame != stack.frames.rend(); ++frame) {
        frames.push_back(FrameNumber(**frame, packet));
      }
      perfetto::Callstack* entry = packet->mutable_interned_data()->add_callstacks();
      entry->set_iid(number->second);
      for (const uint64_t frame : frames) entry->add_frame_ids(frame);
    }
    return number->second;
  }

  std::ostream& out_;
  EventView view_;
  HostTables host_;
  EventLabels labels_;
  perfetto::Trace trace_;  // of one packet, used again
  std::string bytes_;
  std::map<std::pair<uint64_t, std::string>, uint64_t> tracks_;
  std::map<uint64_t, Counter> counters_;
  Numbers categories_;
  Numbers names_;
  Numbers annotation_names_;
  Numbers values_;
  Numbers frames_;
  absl::flat_hash_map<uint64_t, uint64_t> callstacks_;  // by StackNumber
};

}  // namespace

std::unique_ptr<SummaryExport> MakePerfettoTrace(const ExportOptions&, std::ostream& out) {
  return std::make_unique<PerfettoTrace>(out);
}

}  // namespace correlate
