// Packets for tests, from their parts: each function puts a header before a payload. Valid as
// built, but for checksums, which nobody here looks at.
#ifndef COLLECTOR_TEST_PACKETS_H_
#define COLLECTOR_TEST_PACKETS_H_

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace correlate {

using Bytes = std::vector<uint8_t>;

inline constexpr uint16_t kIp = 0x0800;
inline constexpr uint16_t kIp6 = 0x86dd;
inline constexpr uint16_t kTeb = 0x6558;  // Ethernet, in a tunnel

inline Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

inline Bytes Be16(size_t value) {
  return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value & 0xff)};
}

// 10.0.0.1 to 10.0.0.2.
inline Bytes Ip4(uint8_t l4, const Bytes& payload, const Bytes& options = {},
                 uint16_t fragment = 0) {
  const size_t header_bytes = 20 + options.size();
  return Join({{static_cast<uint8_t>(0x40 | header_bytes / 4), 0},
               Be16(header_bytes + payload.size()),
               {0, 1},
               Be16(fragment),
               {64, l4, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2},
               options,
               payload});
}

// 2001:db8::1 to 2001:db8::2.
inline Bytes Ip6(uint8_t next, const Bytes& payload) {
  Bytes from = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  Bytes to = from;
  to.back() = 2;
  return Join({{0x60, 0, 0, 0}, Be16(payload.size()), {next, 64}, from, to, payload});
}

inline Bytes Udp(uint16_t sport, uint16_t dport, const Bytes& payload = {}) {
  return Join({Be16(sport), Be16(dport), Be16(8 + payload.size()), {0, 0}, payload});
}

inline Bytes Ethernet(uint16_t ethertype, const Bytes& payload) {
  return Join({Bytes(12, 2), Be16(ethertype), payload});
}

}  // namespace correlate

#endif  // COLLECTOR_TEST_PACKETS_H_
