#include "collector/host_counters.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/host_facts.h"
#include "collector/netlink_socket.h"
#include "collector/netns_scanner.h"
#include "collector/rtnetlink.h"

namespace correlate {
namespace {

constexpr uint32_t kMostDriverCounters = 1 << 16;
// A driver may have got more of them between two questions.
constexpr uint32_t kSpareDriverCounters = 1024;

bool AskDriver(int socket_fd, const std::string& ifname, void* question) {
  ifreq request = {};
  ifname.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_data = static_cast<char*>(question);
  return ioctl(socket_fd, SIOCETHTOOL, &request) == 0;
}

// ethtool's structures end in arrays without a size.
template <typename Head>
Head* HeadOf(std::vector<uint64_t>* memory) {
  return reinterpret_cast<Head*>(memory->data());
}

// include/uapi/linux/ethtool.h: ETHTOOL_GSSET_INFO, _GSTRINGS, _GSTATS.
void AddDriverCounters(int socket_fd, const HostCounters& device, std::vector<HostCounters>* all) {
  std::vector<uint64_t> memory(sizeof(ethtool_sset_info) / sizeof(uint64_t) + 1);
  auto* info = HeadOf<ethtool_sset_info>(&memory);
  info->cmd = ETHTOOL_GSSET_INFO;
  info->sset_mask = uint64_t{1} << ETH_SS_STATS;
  if (!AskDriver(socket_fd, device.ifname, info) || info->sset_mask == 0) return;
  const uint32_t count = info->data[0];
  if (count == 0 || count > kMostDriverCounters) return;
  const size_t room = count + kSpareDriverCounters;
  std::vector<uint64_t> names_memory(
      (sizeof(ethtool_gstrings) + room * ETH_GSTRING_LEN) / sizeof(uint64_t) + 1);
  auto* names = HeadOf<ethtool_gstrings>(&names_memory);
  names->cmd = ETHTOOL_GSTRINGS;
  names->string_set = ETH_SS_STATS;
  names->len = count;
  std::vector<uint64_t> values_memory(sizeof(ethtool_stats) / sizeof(uint64_t) + 1 + room);
  auto* values = HeadOf<ethtool_stats>(&values_memory);
  values->cmd = ETHTOOL_GSTATS;
  values->n_stats = count;
  if (!AskDriver(socket_fd, device.ifname, names) || !AskDriver(socket_fd, device.ifname, values) ||
      names->len != count || values->n_stats != count) {
    return;
  }
  HostCounters driver = device;
  driver.source = "ethtool";
  driver.counters.clear();
  for (uint32_t i = 0; i < count; ++i) {
    const char* text = reinterpret_cast<const char*>(names->data) + size_t{i} * ETH_GSTRING_LEN;
    const std::string name(absl::StripAsciiWhitespace({text, strnlen(text, ETH_GSTRING_LEN)}));
    if (values->data[i] != 0 && SoundsOfLoss(name)) {
      driver.counters.push_back({name, values->data[i]});
    }
  }
  all->push_back(std::move(driver));
}

// Of the namespace that this thread is in.
absl::Status AddNetns(const Netns& netns, std::vector<HostCounters>* all) {
  std::vector<HostCounters> found;
  ASSIGN_OR_RETURN(NetlinkSocket netlink, NetlinkSocket::Open());
  ASSIGN_OR_RETURN(Dumped<HostCounters> devices,
                   netlink.Dump(LinkDumpRequest(), ParseLinkCounters));
  ASSIGN_OR_RETURN(Dumped<HostCounters> qdiscs,
                   netlink.Dump(QdiscDumpRequest(), ParseQdiscCounters));
  const ScopedFd any_socket(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::map<uint32_t, std::string> ifnames;
  for (HostCounters& device : devices.messages) {
    ifnames[device.ifindex] = device.ifname;
    if (any_socket.valid()) AddDriverCounters(any_socket.get(), device, &found);
    found.push_back(std::move(device));
  }
  for (HostCounters& qdisc : qdiscs.messages) {
    qdisc.ifname = ifnames[qdisc.ifindex];
    found.push_back(std::move(qdisc));
  }
  HostCounters protocols;
  protocols.source = "snmp";
  // Of the thread: /proc/net is the process's.
  for (const char* file : {"snmp", "netstat"}) {
    const auto text = ReadFile(absl::StrCat("/proc/thread-self/net/", file));
    if (text.ok()) ParseSnmp(*text, &protocols);
  }
  if (const auto text = ReadFile("/proc/thread-self/net/snmp6"); text.ok()) {
    ParseSnmp6(*text, &protocols);
  }
  found.push_back(std::move(protocols));
  const uint64_t now_ns = ReadClocks().monotonic_ns;
  for (HostCounters& counters : found) {
    counters.time_ns = now_ns;
    counters.netns = netns.id;
    all->push_back(std::move(counters));
  }
  return absl::OkStatus();
}

}  // namespace

bool SoundsOfLoss(absl::string_view driver_counter) {
  const std::string name = absl::AsciiStrToLower(driver_counter);
  for (const char* word :
       {"drop", "discard", "err", "miss", "xdp", "lost", "full", "no_buf", "nobuf", "no_dma",
        "out_of_buf", "alloc_fail", "fifo", "overrun", "overflow", "timeout", "fail"}) {
    if (absl::StrContains(name, word)) return true;
  }
  return false;
}

void ParseSnmp(absl::string_view text, HostCounters* counters) {
  std::vector<absl::string_view> names;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (names.empty() || names.size() != words.size() || names[0] != words[0]) {
      names = std::move(words);
      continue;
    }
    const absl::string_view protocol = absl::StripSuffix(names[0], ":");
    for (size_t i = 1; i < words.size(); ++i) {
      uint64_t value = 0;  // Tcp.MaxConn may be -1
      if (absl::SimpleAtoi(words[i], &value) && value != 0) {
        counters->counters.push_back({absl::StrCat(protocol, ".", names[i]), value});
      }
    }
    names.clear();
  }
}

void ParseSnmp6(absl::string_view text, HostCounters* counters) {
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    uint64_t value = 0;
    if (words.size() == 2 && absl::SimpleAtoi(words[1], &value) && value != 0) {
      counters->counters.push_back({std::string(words[0]), value});
    }
  }
}

std::vector<HostCounters> ParseSoftnet(absl::string_view text) {
  // net/core/net-procfs.c, softnet_seq_show; the CPU's number is there since 5.10.
  static constexpr std::pair<size_t, const char*> kColumns[] = {{0, "processed"},
                                                                {1, "dropped"},
                                                                {2, "time_squeeze"},
                                                                {9, "received_rps"},
                                                                {10, "flow_limit"}};
  constexpr size_t kCpu = 12;
  std::vector<HostCounters> all;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    std::vector<uint32_t> values;
    for (const absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
      uint32_t value = 0;
      if (!absl::SimpleHexAtoi(word, &value)) break;
      values.push_back(value);
    }
    HostCounters counters;
    counters.source = "softnet";
    counters.label = absl::StrCat("CPU ", values.size() > kCpu ? values[kCpu] : all.size());
    for (const auto& [column, name] : kColumns) {
      if (column < values.size() && values[column] != 0) {
        counters.counters.push_back({name, values[column]});
      }
    }
    all.push_back(std::move(counters));
  }
  return all;
}

absl::StatusOr<std::vector<HostCounters>> ReadHostCounters() {
  std::vector<HostCounters> all;
  absl::Status first = absl::OkStatus();
  ASSIGN_OR_RETURN(const NetnsWalk walk, ForEachNetns([&](const Netns& netns) {
                     const absl::Status status = AddNetns(netns, &all);
                     if (first.ok()) first = status;
                   }));
  if (all.empty() && !first.ok()) return first;
  if (const auto text = ReadFile("/proc/net/softnet_stat"); text.ok()) {
    const uint64_t now_ns = ReadClocks().monotonic_ns;
    for (HostCounters& cpu : ParseSoftnet(*text)) {
      cpu.time_ns = now_ns;
      all.push_back(std::move(cpu));
    }
  }
  return all;
}

}  // namespace correlate
