// Changes an attribute of a netlink datagram, however deep it is nested, and the lengths around it
// with it (netlink(7), linux/rtnetlink.h). To be included once in a target; the first byte of an
// input is the target's own.
#ifndef TESTS_FUZZ_NETLINK_MUTATOR_H_
#define TESTS_FUZZ_NETLINK_MUTATOR_H_

#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace correlate {

struct NetlinkAttribute {
  size_t offset = 0;
  size_t bytes = 0;            // with its header, without what aligns the next one
  size_t message = 0;          // the offset of the message's header
  std::vector<size_t> around;  // offsets of the attributes that it is in
};

template <typename T>
T Load(const std::string& bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <typename T>
void Store(std::string* bytes, size_t offset, T value) {
  std::memcpy(bytes->data() + offset, &value, sizeof value);
}

inline void FindAttributes(const std::string& bytes, size_t begin, size_t end, size_t message,
                           const std::vector<size_t>& around, std::vector<NetlinkAttribute>* all) {
  while (begin + NLA_HDRLEN <= end) {
    const size_t length = Load<nlattr>(bytes, begin).nla_len;
    if (length < NLA_HDRLEN || begin + length > end) return;
    all->push_back({.offset = begin, .bytes = length, .message = message, .around = around});
    std::vector<size_t> inner = around;
    inner.push_back(begin);
    FindAttributes(bytes, begin + NLA_HDRLEN, begin + length, message, inner, all);
    begin += NLA_ALIGN(length);
  }
}

inline size_t FamilyHeaderBytes(uint16_t type) {
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return sizeof(ifinfomsg);
    case RTM_NEWNSID:
    case RTM_DELNSID:
      return NLMSG_ALIGN(sizeof(rtgenmsg));
    default:
      return sizeof(tcmsg);
  }
}

inline std::vector<NetlinkAttribute> FindAttributes(const std::string& bytes) {
  std::vector<NetlinkAttribute> all;
  for (size_t at = 0; at + NLMSG_HDRLEN <= bytes.size();) {
    const auto header = Load<nlmsghdr>(bytes, at);
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > bytes.size() - at) break;
    FindAttributes(bytes, at + NLMSG_HDRLEN + FamilyHeaderBytes(header.nlmsg_type),
                   at + header.nlmsg_len, at, {}, &all);
    at += NLMSG_ALIGN(header.nlmsg_len);
  }
  return all;
}

// `with`: an attribute in the place of [offset, offset + bytes), or none.
inline void Replace(const NetlinkAttribute& place, size_t offset, size_t old_bytes,
                    std::string with, std::string* bytes) {
  with.resize(NLA_ALIGN(with.size()));
  old_bytes = std::min(NLA_ALIGN(old_bytes), bytes->size() - offset);
  const auto more = static_cast<int32_t>(with.size()) - static_cast<int32_t>(old_bytes);
  for (const size_t outer : place.around) {
    auto header = Load<nlattr>(*bytes, outer);
    header.nla_len = static_cast<uint16_t>(header.nla_len + more);
    Store(bytes, outer, header);
  }
  auto message = Load<nlmsghdr>(*bytes, place.message);
  message.nlmsg_len += static_cast<uint32_t>(more);
  Store(bytes, place.message, message);
  bytes->replace(offset, old_bytes, with);
}

inline void MutateAttribute(unsigned int seed, std::string* bytes) {
  const std::vector<NetlinkAttribute> all = FindAttributes(*bytes);
  if (all.empty()) return;
  std::minstd_rand random(seed);
  const NetlinkAttribute& place = all[random() % all.size()];
  std::string attribute = bytes->substr(place.offset, place.bytes);
  switch (random() % 4) {
    case 0: {
      const NetlinkAttribute& other = all[random() % all.size()];
      return Replace(place, place.offset, 0, bytes->substr(other.offset, other.bytes), bytes);
    }
    case 1:
      return Replace(place, place.offset, place.bytes, "", bytes);
    default: {
      std::string payload = attribute.substr(NLA_HDRLEN);
      const size_t size = payload.size();
      payload.resize(size + 16);
      payload.resize(
          LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(payload.data()), size, payload.size()));
      attribute.replace(NLA_HDRLEN, std::string::npos, payload);
      auto header = Load<nlattr>(attribute, 0);
      header.nla_len = static_cast<uint16_t>(attribute.size());
      Store(&attribute, 0, header);
      return Replace(place, place.offset, place.bytes, attribute, bytes);
    }
  }
}

}  // namespace correlate

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  if (size == 0 || seed % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  correlate::MutateAttribute(seed, &bytes);
  if (bytes.size() + 1 > max_size) return size;
  std::memcpy(data + 1, bytes.data(), bytes.size());
  return bytes.size() + 1;
}

#endif  // TESTS_FUZZ_NETLINK_MUTATOR_H_
