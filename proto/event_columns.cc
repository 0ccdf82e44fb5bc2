#include "proto/event_columns.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "proto/interned.h"
#include "proto/packet_values.h"

namespace correlate {
namespace {

constexpr size_t kWordBytes = 8;
constexpr size_t kMostWords = 64;  // bits of a mask
constexpr size_t kTextBytes = 16;
constexpr size_t kMostPointers = 2;

size_t WordsOf(size_t bytes) { return (bytes + kWordBytes - 1) / kWordBytes; }

// A word of `raw`, little-endian; beyond its end stands zero.
uint64_t WordAt(absl::Span<const uint8_t> raw, size_t word) {
  uint64_t value = 0;
  const size_t offset = word * kWordBytes;
  if (offset + kWordBytes <= raw.size()) {  // nearly always, and a single load then
    std::memcpy(&value, raw.data() + offset, kWordBytes);
    return value;
  }
  std::memcpy(&value, raw.data() + offset, std::min(kWordBytes, raw.size() - offset));
  return value;
}

size_t AddressBytes(IpFamily family) {
  return family == IpFamily::kIpv4 ? 4 : family == IpFamily::kIpv6 ? 16 : 0;
}

IpFamily FamilyOf(const pb::PacketHeaders& headers) {
  return headers.src().size() == 4    ? IpFamily::kIpv4
         : headers.src().size() == 16 ? IpFamily::kIpv6
                                      : IpFamily::kNone;
}

struct TextKey {
  char text[kTextBytes];
  uint8_t size;
};

bool SetText(absl::string_view text, TextKey* key) {
  if (text.size() > sizeof key->text) return false;
  std::copy(text.begin(), text.end(), key->text);  // may be none
  key->size = static_cast<uint8_t>(text.size());
  return true;
}

struct HeadersKey {
  uint8_t family;
  uint8_t l4;
  uint8_t flags;
};

HeadersKey KeyOf(const PacketHeaders& headers) {
  return {static_cast<uint8_t>(headers.family), headers.l4,
          static_cast<uint8_t>(headers.has_l4 | headers.has_ports << 1 | headers.fragment << 2)};
}

}  // namespace

struct EventColumnsWriter::Key {
  uint64_t stack;
  uint64_t attribution;
  uint64_t look;
  uint64_t netns_inode;
  uint64_t netns_cookie;
  uint64_t pointer_frames[kMostPointers];
  uint32_t raw_bytes;
  uint32_t format;
  uint32_t cpu;
  int32_t pid;
  int32_t tid;
  uint32_t ifindex;
  uint32_t segments;
  uint16_t ethertype;
  uint16_t vlan;
  uint8_t context;
  uint8_t flags;
  uint8_t tunnel;
  uint8_t link;
  uint8_t pointers;
  HeadersKey outer;
  HeadersKey inner;
  TextKey comm;
  TextKey ifname;
  TextKey pointer_fields[kMostPointers];
};

void EventColumnsWriter::Restart(pb::EventColumns* columns, Interner* interner) {
  columns_ = columns;
  interner_ = interner;
  shapes_.clear();
  has_last_ = false;
  last_time_ns_ = 0;
}

EventColumnsWriter::EventColumnsWriter()
    : key_(std::make_unique<Key>()), last_key_(std::make_unique<Key>()) {}
EventColumnsWriter::~EventColumnsWriter() = default;

bool EventColumnsWriter::MakeKey(const CorrelatedEvent& event) {
  Key& key = *key_;
  std::memset(static_cast<void*>(&key), 0, sizeof key);  // padding is compared too
  key.stack = event.stack != nullptr ? event.stack->id : 0;
  key.attribution = event.attribution != nullptr ? event.attribution->id : 0;
  key.look = event.look != nullptr ? event.look->id : 0;
  key.raw_bytes = static_cast<uint32_t>(event.raw.size());
  key.format = event.format->id;
  key.cpu = event.cpu;
  key.pid = event.pid;
  key.tid = event.tid;
  key.context = static_cast<uint8_t>(event.context);
  key.flags = event.stack_omitted;
  key.link = static_cast<uint8_t>(event.captured.link);
  if (event.raw.size() > kMostWords * kWordBytes || event.code_pointers.size() > kMostPointers ||
      !SetText(event.comm, &key.comm)) {
    return false;
  }
  for (const CodePointer& pointer : event.code_pointers) {
    if (!SetText(pointer.field, &key.pointer_fields[key.pointers])) return false;
    key.pointer_frames[key.pointers++] = pointer.frame->id;
  }
  if (event.packet != nullptr) {
    const Packet& packet = *event.packet;
    key.flags |= 2 | packet.has_netns << 2 | packet.has_vlan << 3;
    key.netns_inode = packet.netns.inode;
    key.netns_cookie = packet.netns.cookie;
    key.ifindex = packet.ifindex;
    key.segments = packet.segments;
    key.ethertype = packet.ethertype;
    key.vlan = packet.vlan_id;
    key.tunnel = static_cast<uint8_t>(packet.tunnel);
    key.outer = KeyOf(packet.outer);
    key.inner = KeyOf(packet.inner);
    if (!SetText(packet.ifname, &key.ifname)) return false;
  }
  return true;
}

uint32_t EventColumnsWriter::NewShape(const CorrelatedEvent& event) {
  const auto number = static_cast<uint32_t>(columns_->shapes_size());
  pb::EventShape* shape = columns_->add_shapes();
  shape->set_cpu(event.cpu);
  shape->set_pid(event.pid);
  shape->set_tid(event.tid);
  shape->set_comm(interner_->String(event.comm));
  shape->set_format(event.format->id);
  shape->set_raw(event.raw.data(), event.raw.size());
  shape->set_stack(interner_->StackNumber(event.stack));
  shape->set_stack_omitted(event.stack_omitted);
  shape->set_link(ToProto(event.captured.link));
  shape->set_attribution(interner_->AttributionNumber(event.attribution));
  shape->set_context(ToProto(event.context));
  shape->set_look(interner_->LookNumber(event.look));
  if (event.packet != nullptr) {
    ToProto(
        *event.packet, [&](absl::string_view text) { return interner_->String(text); },
        shape->mutable_packet());
  }
  for (const CodePointer& pointer : event.code_pointers) {
    pb::CodePointer* written = shape->add_code_pointers();
    written->set_field(interner_->String(pointer.field));
    written->set_frame(interner_->FrameNumber(pointer.frame));
  }
  return number;
}

void EventColumnsWriter::AddRaw(uint32_t shape, absl::Span<const uint8_t> raw) {
  if (raw.empty()) return;
  const std::string& first = columns_->shapes(static_cast<int>(shape)).raw();
  const absl::Span<const uint8_t> same(reinterpret_cast<const uint8_t*>(first.data()),
                                       first.size());
  uint64_t mask = 0;
  const size_t words = std::min(WordsOf(raw.size()), kMostWords);
  for (size_t word = 0; word < words; ++word) {
    const uint64_t difference = WordAt(raw, word) ^ WordAt(same, word);
    if (difference == 0) continue;
    mask |= uint64_t{1} << word;
    columns_->add_raw_words(difference);
  }
  columns_->add_raw_masks(mask);
}

void EventColumnsWriter::AddHeaders(const PacketHeaders& headers) {
  const size_t bytes = AddressBytes(headers.family);
  if (bytes == 0) return;
  std::string* addresses = columns_->mutable_addresses();
  addresses->append(reinterpret_cast<const char*>(headers.src.data()), bytes);
  addresses->append(reinterpret_cast<const char*>(headers.dst.data()), bytes);
  if (!headers.has_ports) return;
  columns_->add_ports(headers.sport);
  columns_->add_ports(headers.dport);
}

size_t EventColumnsWriter::Add(const CorrelatedEvent& event) {
  constexpr size_t kShapeBytes = 96;
  constexpr size_t kEventBytes = 14;
  size_t bytes = kEventBytes;
  uint32_t shape = 0;
  if (!MakeKey(event)) {
    shape = NewShape(event);
    bytes += kShapeBytes + event.raw.size();
  } else if (has_last_ && std::memcmp(key_.get(), last_key_.get(), sizeof(Key)) == 0) {
    shape = last_shape_;
  } else {
    const absl::string_view key(reinterpret_cast<const char*>(key_.get()), sizeof(Key));
    const auto [known, is_new] = shapes_.try_emplace(key, 0);
    if (is_new) {
      known->second = NewShape(event);
      bytes += kShapeBytes + event.raw.size();
    }
    shape = known->second;
    std::swap(key_, last_key_);
    has_last_ = true;
    last_shape_ = shape;
  }
  columns_->add_shape(shape);
  columns_->add_time_deltas(static_cast<int64_t>(event.time_ns - last_time_ns_));
  last_time_ns_ = event.time_ns;
  AddRaw(shape, event.raw);
  if (event.packet != nullptr) {
    columns_->add_lengths(event.packet->length_bytes);
    AddHeaders(event.packet->outer);
    AddHeaders(event.packet->inner);
    bytes += 14;
  }
  if (event.captured.link != CapturedPacket::Link::kNone) {
    columns_->add_captured(event.captured.bytes.data(), event.captured.bytes.size());
    columns_->add_wire_bytes(event.captured.wire_bytes);
    bytes += 8 + event.captured.bytes.size();
  }
  return bytes;
}

namespace {

// How much of each column one event of a shape takes, the words of raw aside.
struct Takes {
  size_t raw_words = 0;
  bool raw = false;
  bool packet = false;
  bool captured = false;
  size_t addresses = 0;
  size_t ports = 0;
};

void AddTo(const pb::PacketHeaders& headers, Takes* takes) {
  const size_t bytes = AddressBytes(FamilyOf(headers));
  takes->addresses += 2 * bytes;
  if (bytes > 0 && headers.has_ports()) takes->ports += 2;
}

bool FitsTogether(const pb::PacketHeaders& headers) {
  return headers.src().size() == headers.dst().size();
}

absl::Status CheckShape(const pb::EventShape& shape, const pb::Interned& interned) {
  const int strings = interned.strings_size();
  if (!InRange(shape.comm(), strings) || !InRange(shape.stack(), interned.stacks_size()) ||
      !InRange(shape.look(), interned.looks_size()) || !InRange(shape.packet().ifname(), strings) ||
      !InRange(shape.attribution(), interned.attributions_size())) {
    return absl::DataLossError("an event names something that is not there");
  }
  for (const pb::CodePointer& pointer : shape.code_pointers()) {
    if (!InRange(pointer.field(), strings) || pointer.frame() == 0 ||
        !InRange(pointer.frame(), interned.frames_size())) {
      return absl::DataLossError("a code pointer names something that is not there");
    }
  }
  if (!FitsTogether(shape.packet().outer()) || !FitsTogether(shape.packet().inner())) {
    return absl::DataLossError("an event's addresses are of two families");
  }
  return absl::OkStatus();
}

absl::Status ColumnsDoNotFit() {
  return absl::DataLossError("the columns of a chunk's events do not fit together");
}

}  // namespace

absl::Status CheckEventColumns(const pb::EventColumns& columns, const pb::Interned& interned) {
  std::vector<Takes> takes(static_cast<size_t>(columns.shapes_size()));
  for (int i = 0; i < columns.shapes_size(); ++i) {
    const pb::EventShape& shape = columns.shapes(i);
    if (absl::Status status = CheckShape(shape, interned); !status.ok()) return status;
    Takes& one = takes[static_cast<size_t>(i)];
    one.raw = !shape.raw().empty();
    one.raw_words = std::min(WordsOf(shape.raw().size()), kMostWords);
    one.packet = shape.has_packet();
    one.captured = FromProto(shape.link()) != CapturedPacket::Link::kNone;
    AddTo(shape.packet().outer(), &one);
    AddTo(shape.packet().inner(), &one);
  }
  size_t masks = 0;
  size_t words = 0;
  size_t lengths = 0;
  size_t addresses = 0;
  size_t ports = 0;
  size_t captured = 0;
  const auto all_masks = static_cast<size_t>(columns.raw_masks_size());
  for (const uint32_t shape : columns.shape()) {
    if (shape >= takes.size()) {
      return absl::DataLossError("an event has a shape that is not there");
    }
    const Takes& one = takes[shape];
    if (one.raw) {
      if (masks == all_masks) {
        return ColumnsDoNotFit();
      }
      const uint64_t mask = columns.raw_masks(static_cast<int>(masks++));
      if (one.raw_words < kMostWords && mask >> one.raw_words != 0) {
        return absl::DataLossError("an event differs where it has no bytes");
      }
      words += static_cast<size_t>(std::popcount(mask));
    }
    lengths += one.packet;
    addresses += one.addresses;
    ports += one.ports;
    captured += one.captured;
  }
  if (columns.time_deltas_size() != columns.shape_size() || masks != all_masks ||
      words != static_cast<size_t>(columns.raw_words_size()) ||
      lengths != static_cast<size_t>(columns.lengths_size()) ||
      addresses != columns.addresses().size() ||
      ports != static_cast<size_t>(columns.ports_size()) ||
      captured != static_cast<size_t>(columns.captured_size()) ||
      captured != static_cast<size_t>(columns.wire_bytes_size())) {
    return ColumnsDoNotFit();
  }
  return absl::OkStatus();
}

namespace {

// Where each column is read next.
struct Cursor {
  int mask = 0;
  int word = 0;
  int length = 0;
  size_t address = 0;
  int port = 0;
  int captured = 0;
};

void ReadHeaders(const pb::EventColumns& columns, Cursor* cursor, PacketHeaders* headers) {
  const size_t bytes = AddressBytes(headers->family);
  if (bytes == 0) return;
  const char* from = columns.addresses().data() + cursor->address;
  std::memcpy(headers->src.data(), from, bytes);
  std::memcpy(headers->dst.data(), from + bytes, bytes);
  cursor->address += 2 * bytes;
  if (!headers->has_ports) return;
  headers->sport = static_cast<uint16_t>(columns.ports(cursor->port));
  headers->dport = static_cast<uint16_t>(columns.ports(cursor->port + 1));
  cursor->port += 2;
}

// Puts one word into raw, whose last one may be cut.
void PutWord(uint64_t value, size_t word, std::vector<uint8_t>* raw) {
  const size_t offset = word * kWordBytes;
  std::memcpy(raw->data() + offset, &value, std::min(kWordBytes, raw->size() - offset));
}

}  // namespace

void EventColumnsReader::Read(const pb::EventColumns& columns, const Tables& tables,
                              absl::FunctionRef<const EventFormat*(uint32_t id)> format,
                              absl::FunctionRef<bool(const CorrelatedEvent&)> receiver) {
  const auto string_at = [&](uint32_t index) { return StringAt(*tables.interned, index); };
  shapes_.clear();
  shapes_.resize(static_cast<size_t>(columns.shapes_size()));
  for (size_t i = 0; i < shapes_.size(); ++i) {
    const pb::EventShape& message = columns.shapes(static_cast<int>(i));
    Shape& shape = shapes_[i];
    CorrelatedEvent& event = shape.event;
    event.cpu = message.cpu();
    event.pid = message.pid();
    event.tid = message.tid();
    event.comm = string_at(message.comm());
    event.format = format(message.format());
    shape.raw.assign(message.raw().begin(), message.raw().end());
    event.raw = shape.raw;
    if (message.stack() != 0) event.stack = &tables.stacks[message.stack()];
    event.stack_omitted = message.stack_omitted();
    event.captured.link = FromProto(message.link());
    if (message.attribution() != 0) event.attribution = &tables.attributions[message.attribution()];
    event.context = FromProto(message.context());
    if (message.look() != 0) event.look = &tables.looks[message.look()];
    if (message.has_packet()) {
      shape.packet = FromProto(message.packet(), string_at);
      event.packet = &shape.packet;
    }
    for (const pb::CodePointer& pointer : message.code_pointers()) {
      shape.code_pointers.push_back(
          {std::string(string_at(pointer.field())), &tables.frames[pointer.frame()]});
    }
    event.code_pointers = shape.code_pointers;
  }
  Cursor cursor;
  uint64_t time_ns = 0;
  for (int i = 0; i < columns.shape_size(); ++i) {
    const uint32_t number = columns.shape(i);
    Shape& shape = shapes_[number];
    time_ns += static_cast<uint64_t>(columns.time_deltas(i));
    shape.event.time_ns = time_ns;
    if (!shape.raw.empty()) {
      const std::string& first = columns.shapes(static_cast<int>(number)).raw();
      const absl::Span<const uint8_t> same(reinterpret_cast<const uint8_t*>(first.data()),
                                           first.size());
      const uint64_t mask = columns.raw_masks(cursor.mask++);
      // What the event before changed, and what this one does.
      for (uint64_t left = mask | shape.changed_words; left != 0; left &= left - 1) {
        const auto word = static_cast<size_t>(std::countr_zero(left));
        const bool differs = mask >> word & 1;
        PutWord(WordAt(same, word) ^ (differs ? columns.raw_words(cursor.word++) : 0), word,
                &shape.raw);
      }
      shape.changed_words = mask;
    }
    if (shape.event.packet != nullptr) {
      shape.packet.length_bytes = columns.lengths(cursor.length++);
      ReadHeaders(columns, &cursor, &shape.packet.outer);
      ReadHeaders(columns, &cursor, &shape.packet.inner);
    }
    if (shape.event.captured.link != CapturedPacket::Link::kNone) {
      const std::string& bytes = columns.captured(cursor.captured);
      shape.event.captured.bytes = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
      shape.event.captured.wire_bytes = columns.wire_bytes(cursor.captured++);
    }
    if (!receiver(shape.event)) return;
  }
}

}  // namespace correlate
