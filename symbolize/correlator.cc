#include "symbolize/correlator.h"

#include <utility>
#include <variant>

#include "symbolize/raw_fields.h"
#include "symbolize/side_band_events.h"

namespace correlate {
namespace {

// From the tracepoint of an exception to the end of its packet, a few instructions later.
constexpr uint64_t kExceptionToFreeNs = 1'000'000;

// NR_CPUS is 8192 at most (arch/x86/Kconfig); what says more joins nothing.
constexpr uint32_t kMostCpus = 8192;

// enum trace_flag_type (include/linux/trace_events.h)
Context ContextOfFlags(std::optional<uint64_t> flags) {
  constexpr uint64_t kHardirq = 0x08;
  constexpr uint64_t kSoftirq = 0x10;
  constexpr uint64_t kNmi = 0x40;
  if (!flags.has_value()) return Context::kUnknown;
  if (*flags & kNmi) return Context::kNmi;
  if (*flags & kHardirq) return Context::kHardirq;
  return *flags & kSoftirq ? Context::kSoftirq : Context::kTask;
}

// True if an event of context `now` interrupted what ran in context `before` on the same CPU, which
// then goes on after it.
bool Interrupts(Context now, Context before) { return before != Context::kUnknown && now > before; }

}  // namespace

Correlator::Correlator(TraceSink* sink)
    : sink_(sink), stacks_(&programs_), attributor_(&programs_, &attachments_, &netns_names_) {}

void Correlator::AddFormat(EventFormat format) {
  auto entry = std::make_unique<Format>();
  entry->format = std::move(format);
  entry->format.id = static_cast<uint32_t>(formats_.size());
  for (size_t i = 0; i < entry->format.fields.size(); ++i) {
    if (entry->format.fields[i].is_code) entry->code_fields.push_back(i);
  }
  if (!entry->format.synthetic) entry->common_flags = FindField(entry->format, "common_flags");
  exceptions_recorded_ |= entry->format.FullName() == "xdp:xdp_exception";
  sink_->OnFormat(entry->format);
  formats_.push_back(std::move(entry));
}

void Correlator::EmitProgramLoads() {
  loads_ = {static_cast<uint32_t>(formats_.size()), ProgramLoadFormat()};
  AddFormat(loads_->format.format());
}

void Correlator::EmitProgramUnloads() {
  unloads_ = {static_cast<uint32_t>(formats_.size()), ProgramUnloadFormat()};
  AddFormat(unloads_->format.format());
}

void Correlator::EmitBpfCalls(absl::Span<const std::string> events) {
  calls_.emplace(events);
  first_call_format_ = static_cast<uint32_t>(formats_.size());
  for (EventFormat& format : calls_->formats()) AddFormat(std::move(format));
}

std::vector<std::pair<std::string, uint32_t>> Correlator::call_formats() const {
  std::vector<std::pair<std::string, uint32_t>> formats;
  if (!calls_.has_value()) return formats;
  for (size_t i = first_call_format_; i < first_call_format_ + calls_->size(); ++i) {
    formats.emplace_back(formats_[i]->format.FullName(), i);
  }
  return formats;
}

void Correlator::AddProgram(const ProgramInfo& program) {
  sink_->OnProgram(*programs_.AddProgram(program));
}

void Correlator::OnAttachmentNews(const AttachmentNews& news) { Tell(attachments_.Apply(news)); }

std::set<uint32_t> Correlator::ProgramsThatPassPackets() const {
  std::set<uint32_t> programs;
  for (const Attachment& attachment : attachments_.Current().attachments) {
    const std::string& hook = attachment.hook;
    if (attachment.IsObstacle() || attachment.mode == "offload") continue;
    const bool cgroup = hook == "cgroup" && (attachment.attach_type == "inet_ingress" ||
                                             attachment.attach_type == "inet_egress");
    if (hook == "tc" || hook == "tcx" || hook == "netkit" || hook == "xdp" || cgroup ||
        hook == "netfilter") {
      programs.insert(attachment.program_id);
    }
  }
  return programs;
}

void Correlator::TellWhatStillHolds() { Tell(attachments_.Current()); }

void Correlator::Tell(const AttachmentTable::Changes& changes) {
  for (const Netns& netns : changes.namespaces) {
    netns_names_.Add(netns);
    sink_->OnNetns(netns);
  }
  for (const Device& device : changes.devices) sink_->OnDevice(device);
  for (const Attachment& attachment : changes.attachments) sink_->OnAttachment(attachment);
}

void Correlator::OnRawEvent(const RawEvent& event) {
  if (const auto* sample = std::get_if<TracepointSample>(&event)) {
    OnSample(*sample);
  } else if (const auto* ksymbol = std::get_if<KsymbolRecord>(&event)) {
    programs_.OnKsymbol(*ksymbol);
  } else if (const auto* program = std::get_if<BpfProgramRecord>(&event)) {
    OnBpfProgram(*program);
  } else if (const auto* call = std::get_if<BpfCallRecord>(&event)) {
    OnBpfCall(*call);
  } else if (const auto* task = std::get_if<TaskRecord>(&event)) {
    tasks_.OnTask(*task);
  } else if (const auto* loss = std::get_if<Loss>(&event)) {
    lost_ += loss->count;
    if (loss->source == kSideBandSource) {
      ++side_band_losses_;
      programs_.OnSideBandLoss(loss->from_ns);
    }
    sink_->OnLoss(*loss);
  }
}

void Correlator::OnKindCount(const EventKindCount& count, uint64_t time_ns) {
  const EventKind& kind = count.kind;
  if (kind.format_id >= formats_.size()) return;
  KindCount named = {.time_ns = time_ns,
                     .format = &formats_[kind.format_id]->format,
                     .location = nullptr,
                     .count = count};
  if (kind.location != 0) {
    named.location = stacks_.ResolveAddress(kind.location, time_ns, /*return_address=*/true);
  }
  sink_->OnKindCount(named);
}

absl::Span<const CodePointer> Correlator::CodePointersOf(const TracepointSample& sample,
                                                         Format* format) {
  std::vector<CodePointer>& pointers = format->code_pointers;
  size_t n = 0;
  for (const size_t i : format->code_fields) {
    const FormatField& field = format->format.fields[i];
    const auto address = ReadInteger(field, sample.raw);
    if (!address.has_value() || *address == 0) continue;
    if (n == pointers.size()) pointers.emplace_back();
    CodePointer& pointer = pointers[n++];
    if (pointer.field != field.name) pointer.field = field.name;
    // kfree_skb's location is __builtin_return_address(0).
    pointer.frame = stacks_.ResolveAddress(*address, sample.time_ns, /*return_address=*/true);
  }
  return absl::MakeConstSpan(pointers.data(), n);
}

void Correlator::Forget(uint64_t before_ns) {
  for (Exception& exception : exceptions_) exception.attribution = nullptr;
  looks_.Forget();
  stacks_.Forget();
  attributor_.Forget();
  programs_.Forget(before_ns);
}

void Correlator::OnSample(const TracepointSample& sample) {
  if (sample.format_id >= formats_.size()) return;
  Format& format = *formats_[sample.format_id];
  CorrelatedEvent event;
  event.time_ns = sample.time_ns;
  event.cpu = sample.cpu;
  event.pid = sample.pid;
  event.tid = sample.tid;
  event.comm = tasks_.Find(sample.tid);
  event.format = &format.format;
  event.raw = sample.raw;
  event.stack = stacks_.Resolve(sample.callchain, sample.time_ns);
  event.stack_omitted = sample.stack_omitted;
  event.code_pointers = CodePointersOf(sample, &format);
  if (sample.enrichment != nullptr) {
    event.context = sample.enrichment->context;
    event.packet = &sample.enrichment->packet;
    event.captured = sample.enrichment->captured;
  } else if (format.common_flags != nullptr) {
    event.context = ContextOfFlags(ReadInteger(*format.common_flags, sample.raw));
  }
  event.attribution = Attribute(format, sample, &event);
  ++events_;
  sink_->OnEvent(event);
}

const Attribution* Correlator::Attribute(const Format& format, const TracepointSample& sample,
                                         CorrelatedEvent* event) {
  AttributionRequest request;
  request.format = &format.format;
  request.raw = sample.raw;
  request.time_ns = sample.time_ns;
  request.stack = event->stack;
  request.packet = event->packet;
  request.stack_omitted = sample.stack_omitted;
  request.exceptions_recorded = exceptions_recorded_;
  Exception nowhere;
  if (sample.cpu < kMostCpus && sample.cpu >= exceptions_.size()) {
    exceptions_.resize(size_t{sample.cpu} + 1);
  }
  Exception& last = sample.cpu < kMostCpus ? exceptions_[sample.cpu] : nowhere;
  const bool interrupts = Interrupts(event->context, last.context);
  if (sample.enrichment != nullptr) {
    const Packet& packet = sample.enrichment->packet;
    request.seen = looks_.Add(sample.cpu, sample.time_ns, *sample.enrichment);
    request.part_id = sample.enrichment->walk.exit.part_id;
    event->look = request.seen.look;
    if (last.attribution != nullptr && !interrupts && last.netns == packet.netns &&
        last.ifindex == packet.ifindex && packet.has_netns &&
        sample.time_ns - last.time_ns < kExceptionToFreeNs) {
      request.exception = last.attribution;
    }
  }
  const Attribution* attribution = attributor_.Attribute(request);
  if (!interrupts) last = Exception();
  if (attribution != nullptr && attribution->evidence == Evidence::kEvent &&
      event->packet != nullptr && event->packet->has_netns) {
    last = {attribution, event->packet->netns, event->packet->ifindex, sample.time_ns,
            event->context};
  }
  return attribution;
}

void Correlator::EmitSynthetic(CorrelatedEvent event, uint32_t format_id,
                               absl::Span<const uint8_t> raw) {
  event.comm = tasks_.Find(event.tid);
  event.format = &formats_[format_id]->format;
  event.raw = raw;
  ++events_;
  sink_->OnEvent(event);
}

void Correlator::OnBpfProgram(const BpfProgramRecord& record) {
  const ProgramInfo* program =
      programs_.OnBpfProgram(record, record.load ? tasks_.Find(record.tid) : "");
  if (program != nullptr) sink_->OnProgram(*program);
  const std::optional<SideBandEvent>& made = record.load ? loads_ : unloads_;
  if (!made.has_value()) {
    if (!record.load) types_by_calls_.erase(record.program_id);
    return;
  }
  const auto by_call = types_by_calls_.find(record.program_id);
  if (by_call != types_by_calls_.end() &&
      (program == nullptr || program->type == kUnknownProgramType)) {
    // Gone before it could be looked at, but the call that loaded it was seen.
    ProgramInfo known = program == nullptr ? ProgramInfo() : *program;
    known.type = by_call->second;
    EncodeProgramEvent(made->format, record, &known, &raw_);
  } else {
    EncodeProgramEvent(made->format, record, program, &raw_);
  }
  if (!record.load) types_by_calls_.erase(record.program_id);
  CorrelatedEvent event;
  event.time_ns = record.time_ns;
  event.cpu = record.cpu;
  event.pid = record.pid;
  event.tid = record.tid;
  EmitSynthetic(event, made->format_id, raw_);
}

void Correlator::OnBpfCall(const BpfCallRecord& call) {
  if (!calls_.has_value()) return;
  constexpr uint32_t kProgLoad = 5;  // enum bpf_cmd
  if (call.command == kProgLoad && call.object == BpfCallRecord::Object::kProgram) {
    types_by_calls_[call.object_id] = call.object_type;
  }
  calls_->Make(call, [&](size_t made, absl::Span<const uint8_t> raw) {
    CorrelatedEvent event;
    event.time_ns = call.time_ns;
    event.cpu = call.cpu;
    event.pid = call.pid;
    event.tid = call.tid;
    event.context = Context::kTask;
    const uint32_t format_id = first_call_format_ + static_cast<uint32_t>(made);
    std::vector<uint64_t>& counts = call_counts_[format_id];
    if (call.cpu < kMostCpus && call.cpu >= counts.size()) counts.resize(size_t{call.cpu} + 1);
    if (call.cpu < counts.size()) ++counts[call.cpu];
    EmitSynthetic(event, format_id, raw);
  });
}

}  // namespace correlate
