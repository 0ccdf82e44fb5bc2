#include "collector/event_filter.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "collector/edit_distance.h"

namespace correlate {
namespace {

constexpr size_t kNearMatchesShown = 4;
constexpr absl::string_view kReasonPrefix = "SKB_DROP_REASON_";

// The names with which packets are printed (render/packet_text.cc), and their common others.
constexpr std::pair<absl::string_view, uint8_t> kProtocols[] = {
    {"icmp", IPPROTO_ICMP}, {"igmp", IPPROTO_IGMP},       {"ipip", IPPROTO_IPIP},
    {"tcp", IPPROTO_TCP},   {"udp", IPPROTO_UDP},         {"dccp", IPPROTO_DCCP},
    {"ipv6", IPPROTO_IPV6}, {"gre", IPPROTO_GRE},         {"esp", IPPROTO_ESP},
    {"ah", IPPROTO_AH},     {"icmpv6", IPPROTO_ICMPV6},   {"icmp6", IPPROTO_ICMPV6},
    {"sctp", IPPROTO_SCTP}, {"udplite", IPPROTO_UDPLITE},
};

absl::Status BadValue(absl::string_view option, absl::string_view value,
                      absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(option, " '", value, "': expected ", expected));
}

absl::StatusOr<std::string> ParseIfname(const std::string& text) {
  // net/core/dev.c, dev_valid_name
  const bool valid = !text.empty() && text.size() < FILTER_IFNAME_BYTES && text != "." &&
                     text != ".." && text.find_first_of("/: \t\n\v\f\r") == text.npos;
  if (!valid) return BadValue("--ifname", text, "the name of a device, of at most 15 characters");
  return text;
}

absl::StatusOr<std::string> ParseNetns(const std::string& text) {
  if (text.empty()) return BadValue("--netns", text, "a name, a path or an inode number");
  return text;
}

absl::StatusOr<uint32_t> ParseProgram(const std::string& text) {
  uint32_t id = 0;
  if (!absl::SimpleAtoi(text, &id) || id == 0) {
    return BadValue("--program", text, "the id of a BPF program, as `programs` lists it");
  }
  return id;
}

absl::StatusOr<std::string> ParseReason(const std::string& text) {
  if (text.empty()) return BadValue("--reason", text, "a drop reason, like NO_SOCKET");
  return text;
}

absl::StatusOr<EventFilter::Prefix> ParseHost(const std::string& text) {
  constexpr absl::string_view kExpected = "an IPv4 or IPv6 address, or ADDRESS/LENGTH of a network";
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  EventFilter::Prefix prefix;
  if (inet_pton(AF_INET, parts[0].c_str(), prefix.address.data()) == 1) {
    prefix.family = IpFamily::kIpv4;
    prefix.bits = 32;
  } else if (inet_pton(AF_INET6, parts[0].c_str(), prefix.address.data()) == 1) {
    prefix.family = IpFamily::kIpv6;
    prefix.bits = 128;
  } else {
    return BadValue("--host", text, kExpected);
  }
  const uint32_t most = prefix.bits;
  const bool digits = parts.size() == 1 || (!parts[1].empty() && absl::ascii_isdigit(parts[1][0]));
  if (!digits || (parts.size() == 2 && !absl::SimpleAtoi(parts[1], &prefix.bits)) ||
      prefix.bits > most) {
    return BadValue("--host", text, absl::StrCat(kExpected, "; LENGTH is at most ", most, " here"));
  }
  return prefix;
}

absl::StatusOr<uint16_t> ParsePort(const std::string& text) {
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text, &port) || port > 65535) {
    return BadValue("--port", text, "a number from 0 to 65535");
  }
  return static_cast<uint16_t>(port);
}

absl::StatusOr<uint8_t> ParseL4(const std::string& text) {
  const std::string name = absl::AsciiStrToLower(text);
  for (const auto& [known, number] : kProtocols) {
    if (name == known) return number;
  }
  uint32_t number = 0;
  if (absl::SimpleAtoi(text, &number) && number <= 255) return static_cast<uint8_t>(number);
  std::vector<absl::string_view> names;
  for (const auto& [known, ignored] : kProtocols) names.push_back(known);
  return BadValue("--l4", text, absl::StrCat("a number to 255, or ", absl::StrJoin(names, ", ")));
}

template <typename Value>
absl::Status ParseEach(absl::string_view option, const std::vector<std::string>& texts,
                       absl::StatusOr<Value> (*parse)(const std::string&),
                       std::vector<Value>* values) {
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(Value value, parse(text));
    if (std::find(values->begin(), values->end(), value) != values->end()) continue;
    values->push_back(std::move(value));
  }
  if (values->size() <= FILTER_MOST_VALUES) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(option, " was given ", values->size(),
                                                 " values: at most ", int{FILTER_MOST_VALUES},
                                                 " can be asked for"));
}

std::vector<std::pair<absl::string_view, const std::vector<std::string>*>> Options(
    const EventFilterText& text) {
  return {{"--ifname", &text.ifnames}, {"--netns", &text.netns}, {"--program", &text.programs},
          {"--reason", &text.reasons}, {"--host", &text.hosts},  {"--port", &text.ports},
          {"--l4", &text.l4}};
}

std::vector<std::string> NearReasons(absl::string_view wanted, const FormatField& field) {
  const size_t limit = std::max<size_t>(2, wanted.size() / 3);
  std::vector<std::pair<size_t, std::string>> near;
  for (const auto& [value, name] : field.names) {
    const bool part = wanted.size() >= 3 && absl::StrContains(name, wanted);
    const size_t distance = part ? 1 : EditDistance(wanted, name);
    if (distance <= limit) near.emplace_back(distance, name);
  }
  std::sort(near.begin(), near.end());
  if (near.size() > kNearMatchesShown) near.resize(kNearMatchesShown);
  std::vector<std::string> names;
  names.reserve(near.size());
  for (auto& [distance, name] : near) names.push_back(std::move(name));
  return names;
}

filter_prefix ToConstant(const EventFilter::Prefix& prefix) {
  filter_prefix constant = {};
  constant.family = prefix.family == IpFamily::kIpv4 ? 4 : 6;
  std::array<uint8_t, 16> mask = {};
  std::array<uint8_t, 16> address = {};
  for (uint32_t bit = 0; bit < prefix.bits; ++bit) {
    mask[bit / 8] = static_cast<uint8_t>(mask[bit / 8] | 0x80 >> bit % 8);
  }
  for (size_t i = 0; i < mask.size(); ++i) {
    address[i] = static_cast<uint8_t>(prefix.address[i] & mask[i]);
  }
  std::memcpy(constant.mask, mask.data(), sizeof constant.mask);
  std::memcpy(constant.address, address.data(), sizeof constant.address);
  return constant;
}

}  // namespace

bool EventFilterText::empty() const { return ToStrings().empty(); }

std::vector<std::string> EventFilterText::ToStrings() const {
  std::vector<std::string> all;
  for (const auto& [option, values] : Options(*this)) {
    for (const std::string& value : *values) all.push_back(absl::StrCat(option, " ", value));
  }
  return all;
}

std::vector<std::string> EventFilterText::PacketOptions() const {
  std::vector<std::string> options;
  for (const auto& [option, values] : Options(*this)) {
    const bool of_packet =
        values == &reasons || values == &hosts || values == &ports || values == &l4;
    if (of_packet && !values->empty()) options.emplace_back(option);
  }
  return options;
}

absl::StatusOr<EventFilter> ParseEventFilter(const EventFilterText& text) {
  EventFilter filter;
  RETURN_IF_ERROR(ParseEach("--ifname", text.ifnames, ParseIfname, &filter.ifnames));
  RETURN_IF_ERROR(ParseEach("--netns", text.netns, ParseNetns, &filter.netns));
  RETURN_IF_ERROR(ParseEach("--program", text.programs, ParseProgram, &filter.programs));
  RETURN_IF_ERROR(ParseEach("--reason", text.reasons, ParseReason, &filter.reasons));
  RETURN_IF_ERROR(ParseEach("--host", text.hosts, ParseHost, &filter.hosts));
  RETURN_IF_ERROR(ParseEach("--port", text.ports, ParsePort, &filter.ports));
  RETURN_IF_ERROR(ParseEach("--l4", text.l4, ParseL4, &filter.l4));
  return filter;
}

absl::StatusOr<uint32_t> DropReasonNumber(absl::string_view reason, const EventFormat& kfree_skb) {
  const auto field = std::find_if(kfree_skb.fields.begin(), kfree_skb.fields.end(),
                                  [](const FormatField& f) { return f.name == "reason"; });
  if (field == kfree_skb.fields.end()) {
    return absl::FailedPreconditionError(
        "--reason cannot hold: skb:kfree_skb of this kernel tells no reason (Linux 5.17)");
  }
  uint32_t number = 0;
  // The higher half is the subsystem (include/net/dropreason.h).
  if (absl::SimpleAtoi(reason, &number) ||
      (absl::StartsWithIgnoreCase(reason, "0x") && absl::SimpleHexAtoi(reason, &number))) {
    return number;
  }
  const std::string upper = absl::AsciiStrToUpper(reason);
  const absl::string_view wanted = absl::StripPrefix(upper, kReasonPrefix);
  for (const auto& [value, name] : field->names) {
    if (absl::StripPrefix(name, kReasonPrefix) == wanted) return static_cast<uint32_t>(value);
  }
  std::string message = absl::StrCat("--reason '", reason, "': this host has no such drop reason");
  const std::vector<std::string> near = NearReasons(wanted, *field);
  if (!near.empty()) {
    absl::StrAppend(&message, "; did you mean ", absl::StrJoin(near, " or "), "?");
  } else {
    absl::StrAppend(&message,
                    "; /sys/kernel/tracing/events/skb/kfree_skb/format lists those it has, and "
                    "those of subsystems go by number");
  }
  return absl::NotFoundError(message);
}

event_filter_constants ToConstants(const EventFilter& filter) {
  event_filter_constants constants = {};
  for (const std::string& ifname : filter.ifnames) {
    // The rest of the name's place is zero.
    std::memcpy(constants.ifname[constants.ifnames++], ifname.data(), ifname.size());
  }
  for (const uint32_t id : filter.programs) constants.program[constants.programs++] = id;
  for (const EventFilter::Prefix& host : filter.hosts) {
    constants.prefix[constants.prefixes++] = ToConstant(host);
  }
  for (const uint16_t port : filter.ports) constants.port[constants.ports++] = port;
  for (const uint8_t l4 : filter.l4) constants.l4[constants.l4s++] = l4;
  return constants;
}

}  // namespace correlate
