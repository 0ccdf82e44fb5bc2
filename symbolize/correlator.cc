#include "symbolize/correlator.h"

#include <utility>
#include <variant>

#include "symbolize/raw_fields.h"
#include "symbolize/side_band_events.h"

namespace correlate {

Correlator::Correlator(TraceSink* sink)
    : sink_(sink), stacks_(&programs_), attributor_(&programs_, &attachments_) {}

void Correlator::AddFormat(EventFormat format) {
  auto entry = std::make_unique<Format>();
  entry->format = std::move(format);
  entry->format.id = static_cast<uint32_t>(formats_.size());
  for (size_t i = 0; i < entry->format.fields.size(); ++i) {
    if (entry->format.fields[i].is_code) entry->code_fields.push_back(i);
  }
  sink_->OnFormat(entry->format);
  formats_.push_back(std::move(entry));
}

void Correlator::EmitProgramLoads() {
  load_format_ = static_cast<uint32_t>(formats_.size());
  AddFormat(ProgramLoadFormat(*load_format_));
}

void Correlator::EmitProgramUnloads() {
  unload_format_ = static_cast<uint32_t>(formats_.size());
  AddFormat(ProgramUnloadFormat(*unload_format_));
}

void Correlator::AddProgram(const ProgramInfo& program) {
  sink_->OnProgram(*programs_.AddProgram(program));
}

void Correlator::OnAttachmentNews(const AttachmentNews& news) { Tell(attachments_.Apply(news)); }

void Correlator::TellWhatStillHolds() { Tell(attachments_.Current()); }

void Correlator::Tell(const AttachmentTable::Changes& changes) {
  for (const Netns& netns : changes.namespaces) sink_->OnNetns(netns);
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
  } else if (const auto* task = std::get_if<TaskRecord>(&event)) {
    tasks_.OnTask(*task);
  } else if (const auto* loss = std::get_if<Loss>(&event)) {
    lost_ += loss->count;
    sink_->OnLoss(*loss);
  }
}

void Correlator::OnSample(const TracepointSample& sample) {
  if (sample.format_id >= formats_.size()) return;
  const Format& format = *formats_[sample.format_id];
  CorrelatedEvent event;
  event.time_ns = sample.time_ns;
  event.cpu = sample.cpu;
  event.pid = sample.pid;
  event.tid = sample.tid;
  event.comm = tasks_.Find(sample.tid);
  event.format = &format.format;
  event.raw = sample.raw;
  event.stack = stacks_.Resolve(sample.callchain, sample.time_ns);
  code_pointers_.clear();
  for (const size_t i : format.code_fields) {
    const FormatField& field = format.format.fields[i];
    const auto address = ReadInteger(field, sample.raw);
    if (!address.has_value() || *address == 0) continue;
    // kfree_skb's location is __builtin_return_address(0).
    code_pointers_.push_back(
        {field.name, stacks_.ResolveAddress(*address, sample.time_ns, /*return_address=*/true)});
  }
  event.code_pointers = code_pointers_;
  event.attribution = attributor_.Attribute(format.format, sample.raw, event.stack, sample.time_ns);
  ++events_;
  sink_->OnEvent(event);
}

void Correlator::OnBpfProgram(const BpfProgramRecord& record) {
  const ProgramInfo* program = programs_.OnBpfProgram(record);
  if (program != nullptr) sink_->OnProgram(*program);
  const std::optional<uint32_t> format = record.load ? load_format_ : unload_format_;
  if (!format.has_value()) return;
  EncodeProgramEvent(record, program, &raw_);
  CorrelatedEvent event;
  event.time_ns = record.time_ns;
  event.cpu = record.cpu;
  event.pid = record.pid;
  event.tid = record.tid;
  event.comm = tasks_.Find(record.tid);
  event.format = &formats_[*format]->format;
  event.raw = raw_;
  ++events_;
  sink_->OnEvent(event);
}

}  // namespace correlate
