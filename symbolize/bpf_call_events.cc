#include "symbolize/bpf_call_events.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "symbolize/bpf_names.h"

namespace correlate {
namespace {

using Kind = SyntheticField::Kind;

// enum bpf_cmd, include/uapi/linux/bpf.h
enum : uint32_t {
  kMapCreate = 0,
  kMapLookupElem = 1,
  kMapUpdateElem = 2,
  kMapDeleteElem = 3,
  kMapGetNextKey = 4,
  kProgLoad = 5,
  kObjPin = 6,
  kObjGet = 7,
  kProgAttach = 8,
  kLinkCreate = 28,
};

SyntheticField::Names WithUnknown(SyntheticField::Names names) {
  names.emplace_back(-1, "UNKNOWN");
  return names;
}

// errno(3): those that bpf(2) gives.
SyntheticField::Names Errors() {
  return {{0, "none"},
          {EPERM, "EPERM"},
          {ENOENT, "ENOENT"},
          {EINTR, "EINTR"},
          {EIO, "EIO"},
          {E2BIG, "E2BIG"},
          {EBADF, "EBADF"},
          {EAGAIN, "EAGAIN"},
          {ENOMEM, "ENOMEM"},
          {EACCES, "EACCES"},
          {EFAULT, "EFAULT"},
          {EBUSY, "EBUSY"},
          {EEXIST, "EEXIST"},
          {ENODEV, "ENODEV"},
          {ENOTDIR, "ENOTDIR"},
          {EINVAL, "EINVAL"},
          {EMFILE, "EMFILE"},
          {EFBIG, "EFBIG"},
          {ENOSPC, "ENOSPC"},
          {ERANGE, "ERANGE"},
          {ENAMETOOLONG, "ENAMETOOLONG"},
          {ENOSYS, "ENOSYS"},
          {ELOOP, "ELOOP"},
          {EPROTO, "EPROTO"},
          {EBADFD, "EBADFD"},
          {EOPNOTSUPP, "EOPNOTSUPP"},
          {ETIMEDOUT, "ETIMEDOUT"},
          {ESTALE, "ESTALE"},
          {524, "ENOTSUPP"}};
}

std::vector<SyntheticField> With(std::vector<SyntheticField> fields) {
  fields.insert(fields.end(), {{"id", Kind::kUint32, {}},
                               {"name", Kind::kText, {}},
                               {"ret", Kind::kInt64, {}},
                               {"error", Kind::kInt32, Errors()},
                               {"duration_ns", Kind::kUint64, {}},
                               {"cgroup_id", Kind::kUint64, {}},
                               {"cgroup", Kind::kText, {}},
                               {"unread", Kind::kBool, {}},
                               {"changed", Kind::kBool, {}}});
  return fields;
}

constexpr absl::string_view kTail =
    " id={id:%u} name={name} ret={ret:%d} error={error} cgroup={cgroup}";

SyntheticField MapType() { return {"type", Kind::kInt32, WithUnknown(NamesOf(kBpfMapTypes))}; }
SyntheticField ProgramType() {
  return {"type", Kind::kInt32, WithUnknown(NamesOf(kBpfProgramTypes))};
}
SyntheticField Ufd() { return {"ufd", Kind::kInt32, {}}; }
SyntheticField Tag() { return {"prog_tag", Kind::kTag, {}}; }

SyntheticFormat Format(absl::string_view name, std::vector<SyntheticField> fields,
                       absl::string_view print) {
  return {name, With(std::move(fields)), absl::StrCat(print, kTail)};
}

SyntheticFormat MapCreate() {
  return Format("bpf_map_create",
                {MapType(),
                 {"size_key", Kind::kUint32, {}},
                 {"size_value", Kind::kUint32, {}},
                 {"max_entries", Kind::kUint32, {}},
                 {"flags", Kind::kUint32, {}},
                 Ufd()},
                "map type={type} ufd={ufd:%d} key={size_key:%u} val={size_value:%u} "
                "max={max_entries:%u} flags={flags:%x}");
}

SyntheticFormat MapKeyValue(absl::string_view name) {
  return Format(name,
                {MapType(),
                 {"key_len", Kind::kUint32, {}},
                 {"key", Kind::kBytes, {}},
                 {"key_trunc", Kind::kBool, {}},
                 {"val_len", Kind::kUint32, {}},
                 {"val", Kind::kBytes, {}},
                 {"val_trunc", Kind::kBool, {}},
                 Ufd()},
                "map type={type} ufd={ufd:%d} key=[{key:%*ph}] val=[{val:%*ph}]");
}

SyntheticFormat MapDelete() {
  return Format("bpf_map_delete_elem",
                {MapType(),
                 {"key_len", Kind::kUint32, {}},
                 {"key", Kind::kBytes, {}},
                 {"key_trunc", Kind::kBool, {}},
                 Ufd()},
                "map type={type} ufd={ufd:%d} key=[{key:%*ph}]");
}

SyntheticFormat MapNextKey() {
  return Format("bpf_map_next_key",
                {MapType(),
                 {"key_len", Kind::kUint32, {}},
                 {"key", Kind::kBytes, {}},
                 {"nxt", Kind::kBytes, {}},
                 {"nxt_len", Kind::kUint32, {}},
                 {"key_trunc", Kind::kBool, {}},
                 {"key_null", Kind::kBool, {}},
                 Ufd()},
                "map type={type} ufd={ufd:%d} key=[{key:%*ph}] next=[{nxt:%*ph}]");
}

SyntheticFormat ObjectMap(absl::string_view name) {
  return Format(name, {MapType(), Ufd(), {"path", Kind::kText, {}}},
                "map type={type} ufd={ufd:%d} path={path}");
}

SyntheticFormat ObjectProgram(absl::string_view name) {
  return Format(name, {Tag(), ProgramType(), Ufd(), {"path", Kind::kText, {}}},
                "prog={prog_tag} path={path} ufd={ufd:%d}");
}

SyntheticFormat ProgramLoad() {
  return Format("bpf_prog_load", {Tag(), ProgramType(), Ufd()},
                "prog={prog_tag} type={type} ufd={ufd:%d}");
}

SyntheticFormat ProgramGetType() {
  return Format("bpf_prog_get_type", {Tag(), ProgramType()}, "prog={prog_tag} type={type}");
}

SyntheticFormat Attach(absl::string_view name, bool link) {
  std::vector<SyntheticField> fields = {Tag(),
                                        ProgramType(),
                                        Ufd(),
                                        {"attach_type", Kind::kInt32, NamesOf(kBpfAttachTypes)},
                                        {"target", Kind::kUint32, {}},
                                        {"flags", Kind::kUint32, {}}};
  if (link) fields.push_back({"link_id", Kind::kUint32, {}});
  return Format(name, std::move(fields),
                absl::StrCat("prog={prog_tag} type={type} ufd={ufd:%d} attach={attach_type} "
                             "target={target:%u} flags={flags:%x}",
                             link ? " link={link_id:%u}" : ""));
}

std::vector<SyntheticFormat> AllFormats() {
  return {MapCreate(),
          MapKeyValue("bpf_map_update_elem"),
          MapKeyValue("bpf_map_lookup_elem"),
          MapDelete(),
          MapNextKey(),
          ObjectMap("bpf_obj_pin_map"),
          ObjectProgram("bpf_obj_pin_prog"),
          ObjectMap("bpf_obj_get_map"),
          ObjectProgram("bpf_obj_get_prog"),
          ProgramLoad(),
          ProgramGetType(),
          Attach("bpf_link_create", /*link=*/true),
          Attach("bpf_prog_attach", /*link=*/false)};
}

using Value = SyntheticFormat::Value;
using Object = BpfCallRecord::Object;

Value Number(uint64_t value) { return static_cast<int64_t>(value); }

bool Creates(const BpfCallRecord& call) {
  return call.command == kMapCreate || call.command == kProgLoad;
}

Value TypeOf(const BpfCallRecord& call) {
  const bool known =
      call.object == Object::kMap || call.object == Object::kProgram || Creates(call);
  return known ? Number(call.object_type) : Value(int64_t{-1});
}

Value FdOf(const BpfCallRecord& call) {
  const bool returned = Creates(call) || call.command == kObjGet;
  return returned && call.result < 0 ? Value(int64_t{-1}) : Number(call.fd);
}

absl::string_view PathOf(const BpfCallRecord& call) {
  return {reinterpret_cast<const char*>(call.key.data()), call.key.size()};
}

// What each field says of a call, by its name.
struct Source {
  absl::string_view field;
  Value (*value)(const BpfCallRecord&);
};
constexpr Source kSources[] = {
    {"type", TypeOf},
    {"ufd", FdOf},
    {"size_key", [](const BpfCallRecord& call) { return Number(call.key_size); }},
    {"size_value", [](const BpfCallRecord& call) { return Number(call.value_size); }},
    {"max_entries", [](const BpfCallRecord& call) { return Number(call.max_entries); }},
    {"flags",
     [](const BpfCallRecord& call) {
       return Number(call.command == kMapCreate ? call.map_flags : call.attach_flags);
     }},
    {"key_len",
     [](const BpfCallRecord& call) { return Number(call.key_null ? 0 : call.key_size); }},
    {"key", [](const BpfCallRecord& call) { return Value(call.key); }},
    {"key_trunc",
     [](const BpfCallRecord& call) {
       return Number(!call.key_null && call.key_size > call.key.size());
     }},
    {"key_null", [](const BpfCallRecord& call) { return Number(call.key_null); }},
    {"val_len",
     [](const BpfCallRecord& call) { return Number(call.value.empty() ? 0 : call.value_size); }},
    {"val", [](const BpfCallRecord& call) { return Value(call.value); }},
    {"val_trunc",
     [](const BpfCallRecord& call) {
       return Number(!call.value.empty() && call.value_size > call.value.size());
     }},
    {"nxt", [](const BpfCallRecord& call) { return Value(call.value); }},
    {"nxt_len",
     [](const BpfCallRecord& call) { return Number(call.value.empty() ? 0 : call.key_size); }},
    {"path", [](const BpfCallRecord& call) { return Value(PathOf(call)); }},
    {"prog_tag",
     [](const BpfCallRecord& call) { return Value(absl::Span<const uint8_t>(call.tag)); }},
    {"attach_type", [](const BpfCallRecord& call) { return Number(call.attach_type); }},
    {"target", [](const BpfCallRecord& call) { return Number(call.target); }},
    {"link_id", [](const BpfCallRecord& call) { return Number(call.link_id); }},
    {"id", [](const BpfCallRecord& call) { return Number(call.object_id); }},
    {"name", [](const BpfCallRecord& call) { return Value(call.name); }},
    {"ret", [](const BpfCallRecord& call) { return Value(call.result); }},
    {"error",
     [](const BpfCallRecord& call) {
       constexpr int64_t kMostErrno = 4095;  // include/linux/err.h, MAX_ERRNO
       return Value(call.result < 0 && call.result >= -kMostErrno ? -call.result : int64_t{0});
     }},
    {"duration_ns", [](const BpfCallRecord& call) { return Number(call.duration_ns); }},
    {"cgroup_id", [](const BpfCallRecord& call) { return Number(call.cgroup_id); }},
    {"cgroup", [](const BpfCallRecord& call) { return Value(absl::string_view(call.cgroup)); }},
    {"unread", [](const BpfCallRecord& call) { return Number(call.unread); }},
    {"changed", [](const BpfCallRecord& call) { return Number(call.changed); }},
};

}  // namespace

struct BpfCallEvents::Event {
  SyntheticFormat format;
  std::vector<Value (*)(const BpfCallRecord&)> sources;  // of each field but the common ones
};

BpfCallEvents::BpfCallEvents(absl::Span<const std::string> events) {
  for (SyntheticFormat& format : AllFormats()) {
    const std::string name = format.format().FullName();
    if (std::find(events.begin(), events.end(), name) == events.end()) continue;
    Event& event = events_.emplace_back(Event{std::move(format), {}});
    for (const FormatField& field : event.format.format().fields) {
      for (const Source& source : kSources) {
        if (source.field == field.name) event.sources.push_back(source.value);
      }
    }
  }
}
BpfCallEvents::~BpfCallEvents() = default;

size_t BpfCallEvents::size() const { return events_.size(); }

std::vector<EventFormat> BpfCallEvents::formats() const {
  std::vector<EventFormat> formats;
  for (const Event& event : events_) formats.push_back(event.format.format());
  return formats;
}

void BpfCallEvents::Make(const BpfCallRecord& call, Receiver receiver) {
  // Of what is neither, or could not be opened, nobody knows what it was meant to be.
  const bool program = call.object == Object::kProgram;
  switch (call.command) {
    case kMapCreate:
      return Make("bpf_map_create", call, receiver);
    case kMapLookupElem:
      return Make("bpf_map_lookup_elem", call, receiver);
    case kMapUpdateElem:
      return Make("bpf_map_update_elem", call, receiver);
    case kMapDeleteElem:
      return Make("bpf_map_delete_elem", call, receiver);
    case kMapGetNextKey:
      return Make("bpf_map_next_key", call, receiver);
    case kProgLoad:
      return Make("bpf_prog_load", call, receiver);
    case kObjPin:
      return Make(program ? "bpf_obj_pin_prog" : "bpf_obj_pin_map", call, receiver);
    case kObjGet:
      return Make(program ? "bpf_obj_get_prog" : "bpf_obj_get_map", call, receiver);
    case kProgAttach:
      Make("bpf_prog_get_type", call, receiver);
      return Make("bpf_prog_attach", call, receiver);
    case kLinkCreate:
      Make("bpf_prog_get_type", call, receiver);
      return Make("bpf_link_create", call, receiver);
    default:
      return;
  }
}

void BpfCallEvents::Make(absl::string_view name, const BpfCallRecord& call, Receiver receiver) {
  const auto event = std::find_if(events_.begin(), events_.end(), [&](const Event& candidate) {
    return candidate.format.format().name == name;
  });
  if (event == events_.end()) return;
  values_.clear();
  for (const auto& source : event->sources) values_.push_back(source(call));
  event->format.Encode(call.tid, values_, &raw_);
  receiver(static_cast<size_t>(event - events_.begin()), raw_);
}

}  // namespace correlate
