// Any datagram as an answer or a notification of rtnetlink. The first byte says which.
#include <cstdint>
#include <type_traits>
#include <vector>

#include "collector/rtnetlink.h"
#include "tests/fuzz/netlink_mutator.h"
#include "tests/fuzz/planted_bug.h"

namespace {

template <typename Message, typename Parse>
void Run(Parse parse, absl::Span<const uint8_t> datagram) {
  std::vector<Message> messages;
  const auto state = parse(datagram, messages);
  (void)state.ok();
  if constexpr (std::is_same_v<Message, correlate::FilterMessage>) {
    for (const correlate::FilterMessage& filter : messages) {
      correlate::PlantedBug(filter.goes_to_chain && filter.program_id > 1000);
    }
  }
  // Each message takes at least its header.
  if (messages.size() > datagram.size() / 16) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // Of exactly that size, so that a byte too far is seen.
  const std::vector<uint8_t> datagram(data + 1, data + size);
  switch (data[0] % 7) {
    case 0:
      Run<correlate::LinkMessage>(correlate::ParseLinks, datagram);
      break;
    case 1:
      Run<correlate::QdiscMessage>(correlate::ParseQdiscs, datagram);
      break;
    case 2:
      Run<correlate::FilterMessage>(correlate::ParseFilters, datagram);
      break;
    case 3:
      Run<correlate::HostCounters>(correlate::ParseLinkCounters, datagram);
      break;
    case 4:
      Run<correlate::HostCounters>(correlate::ParseQdiscCounters, datagram);
      break;
    case 5:
      if (correlate::ParseNotifications(datagram).size() > datagram.size() / 16) __builtin_trap();
      break;
    default:
      (void)correlate::ParseNsid(datagram).ok();
  }
  return 0;
}
