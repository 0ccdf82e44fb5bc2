#include "collector/bpf_call_decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "collector/bpf_call_record.h"

namespace correlate {
namespace {

constexpr size_t kHeadBytes = offsetof(bpf_call_record, data);
constexpr size_t kNameOffset = offsetof(bpf_call_record, name);

BpfCallRecord::Object ObjectOf(uint32_t object) {
  switch (object) {
    case CALL_OBJECT_MAP:
      return BpfCallRecord::Object::kMap;
    case CALL_OBJECT_PROGRAM:
      return BpfCallRecord::Object::kProgram;
    case CALL_OBJECT_LINK:
      return BpfCallRecord::Object::kLink;
    default:
      return BpfCallRecord::Object::kNone;
  }
}

}  // namespace

bool DecodeBpfCall(const TracepointSample& sample, BpfCallRecord* call) {
  const absl::Span<const uint8_t> raw = sample.raw;
  if (raw.size() < kHeadBytes) return false;
  bpf_call_record record;
  std::memcpy(static_cast<void*>(&record), raw.data(), kHeadBytes);
  const absl::Span<const uint8_t> data = raw.subspan(kHeadBytes);
  if (record.key_bytes > data.size()) return false;
  if (record.value_bytes > 0 && (record.key_bytes > record.room || record.room > data.size() ||
                                 record.value_bytes > data.size() - record.room)) {
    return false;
  }
  call->time_ns = sample.time_ns;
  call->cpu = sample.cpu;
  call->pid = sample.pid;
  call->tid = sample.tid;
  call->command = record.command;
  call->result = record.result;
  call->duration_ns = record.duration_ns;
  call->cgroup_id = record.cgroup_id;
  call->key_null = record.flags & CALL_KEY_NULL;
  call->changed = record.flags & CALL_CHANGED;
  call->unread = record.flags & CALL_UNREAD;
  call->fd = record.fd;
  call->object = ObjectOf(record.object);
  call->object_id = record.object_id;
  call->object_type = record.object_type;
  call->key_size = record.key_size;
  call->value_size = record.value_size;
  call->max_entries = record.max_entries;
  call->map_flags = record.map_flags;
  call->link_id = record.link_id;
  call->target = record.target;
  call->attach_type = record.attach_type;
  call->attach_flags = record.attach_flags;
  std::copy(std::begin(record.tag), std::end(record.tag), call->tag.begin());
  const char* name = reinterpret_cast<const char*>(raw.data()) + kNameOffset;
  call->name = {name,
                static_cast<size_t>(std::find(name, name + BPF_CALL_NAME_BYTES, '\0') - name)};
  call->key = data.subspan(0, record.key_bytes);
  call->value = record.value_bytes > 0 ? data.subspan(record.room, record.value_bytes)
                                       : absl::Span<const uint8_t>();
  return true;
}

}  // namespace correlate
