// flood FRAMES COUNT RATE: sends COUNT frames out of devices of the namespace it runs in, the ones
// of FRAMES over and over, RATE a second (0: as fast as one CPU can). FRAMES is a file of records:
// ifindex and length as 32-bit numbers of this host, then the bytes. What a device refuses counts
// as sent: that is a drop, too.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

constexpr uint64_t kBatch = 32;

uint64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void SleepUntil(uint64_t time_ns) {
  const timespec until = {static_cast<time_t>(time_ns / 1'000'000'000),
                          static_cast<long>(time_ns % 1'000'000'000)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

struct Frame {
  sockaddr_ll to = {};
  iovec bytes = {};
};

std::vector<Frame> Parse(std::string& file) {
  std::vector<Frame> frames;
  for (size_t at = 0; at + 8 <= file.size();) {
    uint32_t head[2];
    std::memcpy(head, file.data() + at, sizeof head);
    at += sizeof head;
    if (head[1] < ETH_HLEN || head[1] > file.size() - at) return {};
    Frame& frame = frames.emplace_back();
    frame.to.sll_family = AF_PACKET;
    frame.to.sll_ifindex = static_cast<int>(head[0]);
    frame.to.sll_halen = ETH_ALEN;
    std::memcpy(frame.to.sll_addr, file.data() + at, ETH_ALEN);
    frame.bytes = {file.data() + at, head[1]};
    at += head[1];
  }
  return frames;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: flood FRAMES COUNT RATE\n");
    return 2;
  }
  std::ifstream stream(argv[1], std::ios::binary);
  std::string file((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  std::vector<Frame> frames = Parse(file);
  const uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const uint64_t rate = std::strtoull(argv[3], nullptr, 10);
  const int raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (frames.empty() || raw < 0) {
    std::fprintf(stderr, "flood: no frames in %s, or no packet socket\n", argv[1]);
    return 1;
  }
  std::vector<mmsghdr> messages(frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    messages[i].msg_hdr.msg_name = &frames[i].to;
    messages[i].msg_hdr.msg_namelen = sizeof frames[i].to;
    messages[i].msg_hdr.msg_iov = &frames[i].bytes;
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const uint64_t begin_ns = NowNs();
  uint64_t next_look = kBatch;
  for (uint64_t sent = 0; sent < count;) {
    const uint64_t place = sent % frames.size();
    const uint64_t most = std::min({kBatch, count - sent, frames.size() - place});
    const int n = sendmmsg(raw, &messages[place], static_cast<unsigned>(most), 0);
    sent += static_cast<uint64_t>(std::max(n, 1));
    if (rate == 0 || sent < next_look) continue;
    next_look = sent + kBatch;
    SleepUntil(begin_ns + sent * 1'000'000'000 / rate);
  }
  return 0;
}
